"""Matrices, cases and aligned equations: rows and columns between `\\begin` and `\\end`."""

from __future__ import annotations

from . import nodes
from .nodes import NOTHING, Node
from .parser import HANDLERS, Parser, in_brackets
from .tokens import NotUnderstood

# The class that says how columns stand, and the brackets around.
_KINDS: dict[str, tuple[str, str, str]] = {
    "matrix": ("", "", ""), "pmatrix": ("", "(", ")"), "bmatrix": ("", "[", "]"), "Bmatrix": ("", "{", "}"),
    "vmatrix": ("", "|", "|"), "Vmatrix": ("", "‖", "‖"), "smallmatrix": ("small", "", ""), "array": ("", "", ""),
    "subarray": ("small", "", ""), "cases": ("cases", "{", ""), "dcases": ("cases", "{", ""), "rcases": ("cases", "", "}"),
    **{name: ("aligned", "", "") for name in
       ("align", "aligned", "alignat", "alignedat", "flalign", "split", "eqnarray")},
    **{name: ("", "", "") for name in ("gather", "gathered", "multline", "equation", "displaymath", "math")},
}  # fmt: skip
_IN_DISPLAY = {"align", "aligned", "alignat", "alignedat", "flalign", "split", "eqnarray", "gather", "gathered",
               "multline", "equation", "displaymath", "dcases"}  # fmt: skip
_WITH_ARGUMENT = {"array", "alignat", "alignedat", "subarray"}
_MOST_CELLS = 10_000


def known(name: str) -> bool:
    """Whether an environment is one of formulas; a starred one is as the plain one."""
    return name.rstrip("*") in _KINDS


def _begin(parser: Parser) -> Node:
    name = "".join(parser.tokens.raw_group()).strip()
    plain = name.rstrip("*")
    if plain not in _KINDS:
        raise NotUnderstood(f"an environment {name}")
    parser.tokens.optional()  # where it stands on its line
    columns = "".join(parser.tokens.raw_group()) if plain in _WITH_ARGUMENT else ""
    rows = read_rows(parser, ("\\end",))
    if parser.tokens.next() != "\\end" or "".join(parser.tokens.raw_group()).strip() != name:
        raise NotUnderstood(f"the end of {name} is missing")
    kind, left, right = _KINDS[plain]
    made = table(rows, kind, plain in _IN_DISPLAY, [letter for letter in columns if letter in "lcr"])
    return in_brackets(left, made, right) if left or right else made


def read_rows(parser: Parser, ends: tuple[str, ...]) -> list[list[Node]]:
    """Cells up to one of these tokens, which is not taken."""
    rows: list[list[Node]] = [[]]
    cells = 0
    while True:
        rows[-1].append(parser.row((*ends, "&", "\\\\", "\\cr")))
        cells += 1
        if cells > _MOST_CELLS:
            raise NotUnderstood("a table of too many cells")
        token = parser.tokens.peek()
        if token == "&":
            parser.tokens.next()
        elif token in ("\\\\", "\\cr"):
            parser.tokens.next()
            if parser.tokens.peek() == "*":
                parser.tokens.next()
            parser.tokens.optional()  # how far below the next one is
            rows.append([])
        else:
            if len(rows) > 1 and rows[-1] == [NOTHING]:
                rows.pop()  # the last row was ended as well
            return rows


def table(rows: list[list[Node]], kind: str, display: bool, columns: list[str]) -> Node:
    """The rows as MathML; a single cell is no table."""
    if len(rows) == 1 and len(rows[0]) == 1:
        return rows[0][0]

    def cell(node: Node, index: int) -> Node:
        side = columns[index] if index < len(columns) else "c"
        return nodes.element("mtd", node, class_="" if side == "c" else side)

    made = [nodes.element("mtr", *(cell(node, index) for index, node in enumerate(cells))) for cells in rows]
    return nodes.element("mtable", *made, class_=kind, displaystyle="true" if display else "")


def _substack(parser: Parser) -> Node:
    parser.tokens.put_back([*parser.tokens.raw_group(), "}"])
    rows = read_rows(parser, ("}",))
    parser.tokens.next()
    return table(rows, "small", False, [])


HANDLERS.update({"begin": _begin, "substack": _substack})
