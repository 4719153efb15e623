"""Converts one executed notebook to one HTML page in a fresh process, where no resident one can be had.

Usage: render_html.py NOTEBOOK.ipynb PAGE.html TITLE
"""

import sys
from pathlib import Path

from render.exporter import PageExporter


def main(notebook: str, page: str, title: str) -> None:
    """Write the page; the process's exit code tells whether that worked."""
    made = PageExporter().page(Path(notebook).read_text(encoding="utf-8"), title)
    Path(page).write_text(made, encoding="utf-8", errors="replace")


if __name__ == "__main__":
    main(*sys.argv[1:4])
