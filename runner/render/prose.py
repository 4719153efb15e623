"""Markdown of a notebook as HTML: nbconvert's parser, formulas as MathML, and a reader's mistakes without consequence."""

from __future__ import annotations

import html
import re
from typing import Any

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from .code import code_as_html
from .tex.formula import formula

_TAGS = re.compile(r"<[^>]*>")


class _Attachments(dict[str, Any]):
    """Those of a cell. One that is missing is an empty picture: the stock renderer refuses the whole notebook for it."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> dict[str, str]:
        return {"image/png": ""}


class Prose(IPythonRenderer):
    """As nbconvert's, except for formulas, headings and pictures that are not there."""

    def heading(self, text: str, level: int, **_: Any) -> str:
        """With the id that Jupyter gives it, so that links within a notebook work."""
        name = html.unescape(_TAGS.sub("", text)).strip().replace(" ", "-")
        return f'<h{level} id="{html.escape(name)}">{text}</h{level}>\n'

    def inline_math(self, body: str) -> str:
        """As MathML."""
        return formula(body, display=False)

    def block_math(self, body: str) -> str:
        """As MathML, on lines of its own."""
        return formula(body, display=True)

    def latex_environment(self, name: str, body: str) -> str:
        """As MathML if it is one of formulas."""
        return formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", display=True)

    def block_code(self, code: str, info: str | None = None) -> str:
        """In the colours of code cells."""
        words = (info or "").split()
        return code_as_html(code, words[0] if words else "text") + "\n"


_renderer = Prose(escape=False, exclude_anchor_links=True)
_markdown = MarkdownWithMath(renderer=_renderer)


def prose_of(source: str, attachments: Any) -> str:
    """The HTML of one cell's text; `attachments` as the cell has them."""
    _renderer.attachments = _Attachments(attachments or {})
    made: str = _markdown.render(source)
    return made
