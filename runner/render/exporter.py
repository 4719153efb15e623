"""nbconvert's HTML exporter with our template, and without what it repeats for every notebook.

As it is it takes 0.2 s for any notebook: a schema compiled anew after each of eleven preprocessors (33 ms each), and the
whole page parsed once more to look for pictures without a description. Written against nbconvert 6.5 and 7.17.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
import nbformat.v4
from nbconvert.exporters.exporter import Exporter
from nbconvert.exporters.html import HTMLExporter
from nbconvert.exporters.templateexporter import TemplateExporter
from traitlets.config import Config

from .code import code_as_html
from .prose import prose_of
from .sample import SAMPLE
from .tex.formula import formulas_of

_TEMPLATES = Path(__file__).parent / "template"
_STYLES = ("page.css", "output.css", "syntax.css", "print.css")

try:
    _with_context: Any = jinja2.pass_context
except AttributeError:  # jinja2 before 3.0
    _with_context = jinja2.contextfilter  # type: ignore[attr-defined]


class PageExporter(HTMLExporter):
    """Makes pages; one object for as many as are wanted."""

    def __init__(self, templates: Path = _TEMPLATES) -> None:
        """Reads the template and its styles, which need not be there any more afterwards."""
        # Validation would follow each preprocessor, at 33 ms.
        Exporter._validate_preprocessor = lambda *_: None  # noqa: SLF001
        super().__init__(
            config=_configuration(), template_name="fieldbook", extra_template_basedirs=[str(templates)]
        )
        folder = templates / "fieldbook"
        self._style = "\n".join(_compact((folder / name).read_text(encoding="utf-8")) for name in _STYLES)
        # Else each page would look whether the files are still what they were; in the sandbox they are not there at all.
        self.environment.auto_reload = False

    def page(self, notebook: str, title: str) -> str:
        """The page of a notebook given as JSON. Raises what nbconvert raises for one that is none."""
        # nbformat.read would validate as well; the service wrote this file and knows it.
        parsed = nbformat.v4.reads(notebook)
        body, _ = self.from_notebook_node(parsed, resources={"metadata": {"name": title}})
        return body

    def warm(self) -> None:
        """Make one page of everything, so that what is imported, read or compiled on first use is there."""
        self.page(json.dumps(SAMPLE), "Sample")

    def from_notebook_node(self, nb: Any, resources: Any = None, **more: Any) -> tuple[str, Any]:
        """As the stock exporter, which then parses the page again; our template describes its pictures itself."""
        about = nb.metadata.get("language_info", {})
        lexer = about.get("pygments_lexer", about.get("name"))
        found = self._init_resources(resources)
        found["style"], found["language"] = self._style, str(lexer or "ipython3")
        made: tuple[str, Any] = TemplateExporter.from_notebook_node(self, nb, found, **more)
        return made

    def default_filters(self) -> Any:
        """The stock filters, but code, prose and formulas by way of ours."""
        yield from super().default_filters()
        yield ("highlight_code", _code)
        yield ("markdown2html", _prose)
        yield ("formulas", formulas_of)


@_with_context
def _code(context: Any, source: str, metadata: Any = None) -> str:
    magic = (metadata or {}).get("magics_language")  # from the preprocessor, for `%%bash` and its like
    return code_as_html(source, str(magic or context["resources"]["language"]))


@_with_context
def _prose(context: Any, source: str) -> str:
    cell = context.get("cell", {})
    return prose_of(source, cell.get("attachments", {}))


def _configuration() -> Config:
    config = Config()
    # Of the eleven only this one does anything for a page; the others would copy the notebook once each.
    config.PageExporter.default_preprocessors = ["nbconvert.preprocessors.HighlightMagicsPreprocessor"]
    # The page must not make anyone's browser fetch anything. embed_images stays off: it reads files that a notebook
    # names (CVE-2026-39378).
    for name in ("mathjax_url", "require_js_url", "jquery_url", "mermaid_js_url", "widget_renderer_url"):
        config.PageExporter[name] = ""
    return config


def _compact(style: str) -> str:
    """Without comments and indentation, which are for readers of the file."""
    parts = style.split("/*")
    text = parts[0] + "".join(part.partition("*/")[2] for part in parts[1:])
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())
