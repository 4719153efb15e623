"""One formula, or text with formulas in it, as HTML."""

from __future__ import annotations

import re
from html import escape

from . import commands, environments
from .nodes import row
from .parser import Parser
from .tokens import Macro, NotUnderstood, Tokens

assert commands  # it fills the parser's table

# What the author of a notebook has defined; a process makes one page.
_macros: dict[str, Macro] = {}

_PIECES = re.compile(
    r"(?<!\\)\$\$(?P<display>.+?)(?<!\\)\$\$|\\\[(?P<brackets>.+?)\\\]|\\\((?P<inline>.+?)\\\)"
    r"|(?P<environment>\\begin\{(?P<name>[a-zA-Z]+\*?)\}.+?\\end\{(?P=name)\})|(?<!\\)\$(?P<dollar>[^$]+?)(?<!\\)\$",
    re.DOTALL,
)


def formula(source: str, display: bool) -> str:
    """MathML, with its source for whoever reads it aloud; the source itself where it is none that we understand."""
    try:
        return _mathml(source, display)
    except (NotUnderstood, RecursionError):
        shown = f"$${source}$$" if display else f"${source}$"
        return f'<code class="formula">{escape(shown, quote=False)}</code>'


def formulas_of(source: str) -> str | None:
    """What a cell shows as LaTeX; None when there is a piece in it that is no formula, a table for paper for example."""
    parts: list[str] = []
    at = 0
    for found in _PIECES.finditer(source):
        display = found["display"] or found["brackets"] or found["environment"]
        parts.append(_words(source[at : found.start()]))
        try:
            parts.append(_mathml(display or found["inline"] or found["dollar"] or "", bool(display)))
        except (NotUnderstood, RecursionError):
            return None
        at = found.end()
    rest = source[at:]
    if not parts or "\\begin" in rest or "\\[" in rest:
        return None
    return "".join([*parts, _words(rest)])


def _words(between: str) -> str:
    return f"<p>{escape(between.strip(), quote=False)}</p>" if between.strip() else ""


def _mathml(source: str, display: bool) -> str:
    parser = Parser(Tokens(source, _macros), display)
    rows = environments.read_rows(parser, ())
    if parser.tokens.peek():
        raise NotUnderstood(f"{parser.tokens.peek()} where nothing has begun")
    aligned = any(len(cells) > 1 for cells in rows)
    made = environments.table(rows, "aligned" if aligned else "", display, [])
    block = ' display="block"' if display else ""
    return f'<math{block} alttext="{escape(" ".join(source.split()))}">{row([made]).xml}</math>'
