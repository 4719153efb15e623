"""Converts one executed notebook to one HTML page; runs inside the sandbox, once per process.

Usage: render_html.py NOTEBOOK.ipynb PAGE.html TEMPLATE_FOLDER TITLE
"""

import sys
from pathlib import Path
from typing import Any

import nbformat.v4
from nbconvert.exporters.exporter import Exporter
from nbconvert.exporters.html import HTMLExporter
from traitlets.config import Config


def main(notebook: str, page: str, templates: str, title: str) -> None:
    """Write the page; the process's exit code tells whether that worked."""
    exporter = create_exporter(Path(templates))
    # nbformat.read would validate with a schema compiled anew each time, 33 ms; the service wrote this file and knows it.
    parsed = nbformat.v4.reads(Path(notebook).read_text(encoding="utf-8"))
    body, _ = exporter.from_notebook_node(parsed, resources={"metadata": {"name": title}})
    Path(page).write_text(body, encoding="utf-8", errors="replace")


def create_exporter(templates: Path) -> HTMLExporter:
    """Use our own template where it is; the page must not make anyone's browser fetch anything."""
    # Validation would follow each of eleven preprocessors, at 33 ms.
    Exporter._validate_preprocessor = lambda *_: None  # noqa: SLF001
    config = Config()
    config.HTMLExporter.mathjax_url = ""
    config.HTMLExporter.require_js_url = ""
    config.HTMLExporter.jquery_url = ""
    config.HTMLExporter.mermaid_js_url = ""
    config.HTMLExporter.widget_renderer_url = ""
    options: dict[str, Any] = {"config": config}
    if (templates / "fieldbook" / "conf.json").is_file():
        options |= {"template_name": "fieldbook", "extra_template_basedirs": [str(templates)]}
    # embed_images stays off: it reads files a notebook names (CVE-2026-39378).
    return HTMLExporter(**options)


if __name__ == "__main__":
    main(*sys.argv[1:5])
