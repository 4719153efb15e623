"""nbconvert's HTML exporter with our template, and without what it repeats for every notebook.

As it is it takes 0.2 s for any notebook: a schema is compiled anew after each of eleven preprocessors (33 ms each), and the
whole page is parsed once more. Written against nbconvert 6.5 and 7.17.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
import nbformat.v4
from nbconvert.exporters.html import HTMLExporter
from nbconvert.preprocessors import HighlightMagicsPreprocessor
from traitlets.config import Config

from .code import code_as_html
from .prose import prose_of
from .sample import SAMPLE
from .terminal import terminal_as_html
from .tex.formula import formulas_of

_TEMPLATES = Path(__file__).parent / "template"
_magics = HighlightMagicsPreprocessor()
# Everything; what nbconvert's base template asks for.
_SHOWN = (
    "include_code", "include_markdown", "include_raw", "include_unknown", "include_input", "include_output",
    "include_output_stdin", "include_input_prompt", "include_output_prompt",
)  # fmt: skip
_STYLES = ("page.css", "output.css", "syntax.css", "print.css")

try:
    _with_context: Any = jinja2.pass_context
except AttributeError:  # jinja2 before 3.0
    _with_context = jinja2.contextfilter  # type: ignore[attr-defined]


class PageExporter(HTMLExporter):
    """Makes pages; one object for as many as are wanted."""

    def __init__(self, templates: Path = _TEMPLATES) -> None:
        """Reads the template and its styles, which need not be there any more afterwards."""
        super().__init__(
            config=_configuration(), template_name="fieldbook", extra_template_basedirs=[str(templates)]
        )
        folder = templates / "fieldbook"
        self._style = "\n".join(_compact((folder / name).read_text(encoding="utf-8")) for name in _STYLES)
        # Else each page would look whether the files are still what they were; in the sandbox they are not there at all.
        self.environment.auto_reload = False

    def page(self, notebook: str, title: str) -> str:
        """The page of a notebook given as JSON. Raises what parsing and rendering raise for one that is none.

        What from_notebook_node does beside it is left out: it copies the notebook once for each preprocessor, and parses
        the page to look for pictures without a description, which our template gives them.
        """
        # nbformat.read would validate as well; the service wrote this file and knows it.
        parsed = nbformat.v4.reads(notebook)
        about = parsed.metadata.get("language_info", {})
        resources = self._init_resources({"metadata": {"name": title}})
        resources["global_content_filter"] = dict.fromkeys(_SHOWN, True)
        resources["raw_mimetypes"] = self.raw_mimetypes
        resources["style"] = self._style
        resources["lexer"] = str(about.get("pygments_lexer", about.get("name")) or "ipython3")
        made: str = self.template.render(nb=parsed, resources=resources)
        return made.lstrip()

    def warm(self) -> None:
        """Make one page of everything, so that what is imported, read or compiled on first use is there."""
        self.page(json.dumps(SAMPLE), "Sample")

    def default_filters(self) -> Any:
        """The stock filters, but code, terminal text, prose and formulas by way of ours."""
        yield from super().default_filters()
        yield ("highlight_code", _code)
        yield ("ansi2html", terminal_as_html)
        yield ("markdown2html", _prose)
        yield ("formulas", formulas_of)


@_with_context
def _code(context: Any, source: str, metadata: Any = None) -> str:
    magic = _magics.which_magic_language(source)  # `%%bash` and its like
    return code_as_html(source, str(magic or context["resources"]["lexer"]))


@_with_context
def _prose(context: Any, source: str) -> str:
    cell = context.get("cell", {})
    return prose_of(source, cell.get("attachments", {}))


def _configuration() -> Config:
    config = Config()
    config.PageExporter.default_preprocessors = []
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
