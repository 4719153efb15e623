"""Commands that take arguments: fractions, roots, accents, brackets, words, colours, and macros of the author's."""

from __future__ import annotations

import re

from . import nodes
from .alphabets import FONTS
from .nodes import NOTHING, Node
from .parser import HANDLERS, Handler, Parser, in_brackets
from .symbols import ACCENTS, ARROWS, DELIMITERS
from .tokens import Macro, NotUnderstood

_COLOUR = re.compile(r"[a-zA-Z]{1,30}|#[0-9a-fA-F]{3,8}")
_LENGTH = re.compile(r"(-?[0-9]*\.?[0-9]+) *(em|ex|mu|pt|px|cm|mm|in)")
_EM = {"em": 1.0, "ex": 0.45, "mu": 1 / 18, "pt": 0.1, "px": 0.0625, "cm": 2.4, "mm": 0.24, "in": 6.0}
_BIG = {"big": "1.2em", "Big": "1.8em", "bigg": "2.4em", "Bigg": "3em"}
_WORDS = {
    "text": "", "mbox": "", "textrm": "", "textnormal": "", "hbox": "", "textup": "", "textbf": "font-weight:bold",
    "textit": "font-style:italic", "emph": "font-style:italic", "textsf": "font-family:sans-serif",
    "texttt": "font-family:monospace", "url": "", "textsc": "font-variant:small-caps",
}


def _fraction(style: str = "", bar: str = "", brackets: bool = False) -> Handler:
    def read(parser: Parser) -> Node:
        upper, lower = parser.argument(), parser.argument()
        made = nodes.element("mfrac", upper, lower, linethickness=bar)
        made = in_brackets("(", made, ")") if brackets else made
        return nodes.element("mstyle", made, displaystyle=style, scriptlevel="0") if style else made

    return read


def _root(parser: Parser) -> Node:
    index = parser.optional()
    inside = parser.argument()
    return nodes.element("msqrt", inside) if index is None else nodes.element("mroot", inside, index)


def _accent(mark: str, stretches: bool, under: bool) -> Handler:
    def read(parser: Parser) -> Node:
        inside = parser.argument()
        sign = nodes.operator(mark, stretchy="true" if stretches else "false", lspace="0", rspace="0")
        brace = mark in "⏞⏟⎴⎵"  # a script of these belongs to the brace
        made = (
            nodes.element("munder", inside, sign, accentunder="" if brace else "true")
            if under
            else nodes.element("mover", inside, sign, accent="" if brace else "true")
        )
        return Node(made.xml, limits=brace)

    return read


def _arrow(mark: str) -> Handler:
    def read(parser: Parser) -> Node:
        below = parser.optional()
        above = parser.argument()
        sign = nodes.operator(mark, stretchy="true", minsize="2em")
        padded = [
            nodes.element("mpadded", script, width="+0.8em", lspace="0.4em") for script in (below, above) if script
        ]
        return nodes.element("mover" if below is None else "munderover", sign, *padded)

    return read


def _stacked(over: bool) -> Handler:
    def read(parser: Parser) -> Node:
        script, base = parser.argument(), parser.argument()
        return nodes.element("mover" if over else "munder", base, script)

    return read


def _delimiter(parser: Parser) -> str:
    token = parser.tokens.skip_spaces()
    parser.tokens.next()
    if token == ".":
        return ""
    if token[:1] == "\\" and token[1:] in DELIMITERS:
        return DELIMITERS[token[1:]]
    if token in ("<", ">"):
        return {"<": "⟨", ">": "⟩"}[token]
    if len(token) == 1 and not token.isalnum():
        return token
    raise NotUnderstood(f"{token} is no bracket")


def _left(parser: Parser) -> Node:
    left = _delimiter(parser)
    parts = [parser.row(("\\right", "\\middle"))]
    while parser.tokens.next() == "\\middle":
        parts.append(nodes.operator(_delimiter(parser), fence="true", stretchy="true", lspace="0.2em", rspace="0.2em"))
        parts.append(parser.row(("\\right", "\\middle")))
    return in_brackets(left, Node("".join(part.xml for part in parts)), _delimiter(parser))


def _sized(size: str, form: str) -> Handler:
    def read(parser: Parser) -> Node:
        mark = _delimiter(parser)
        return nodes.operator(mark, form=form, stretchy="true", minsize=size, maxsize=size) if mark else Node("")

    return read


def _words(style: str) -> Handler:
    def read(parser: Parser) -> Node:
        shown = re.split(r"(?<!\\)\$", "".join(parser.tokens.raw_group()))
        parts: list[Node] = []
        for index, piece in enumerate(shown):
            if index % 2:  # a formula among words
                parser.tokens.put_back(["{", *_tokens_of(piece), "}"])
                parts.append(parser.argument())
            elif piece:
                plain = re.sub(r"\\([%$&#_{} ])", r"\1", piece).replace("{", "").replace("}", "").replace("~", "\u00a0")
                parts.append(nodes.text(plain))
        made = nodes.row(parts) if parts else NOTHING
        return nodes.element("mrow", made, style=style) if style else made

    return read


def _tokens_of(source: str) -> list[str]:
    from .tokens import split

    return split(source)


def _font(font: str) -> Handler:
    def read(parser: Parser) -> Node:
        tokens = parser.tokens.raw_group()
        name = "".join(tokens).strip()
        if font == "normal" and len(name) > 1 and name.isalpha():  # a name and not a product
            return nodes.identifier(name)
        parser.tokens.put_back(["{", *tokens, "}"])
        return parser.in_font(font)

    return read


def _operator_name(limits: bool) -> Handler:
    def read(parser: Parser) -> Node:
        name = re.sub(r"\\[,:; ]", "\u2009", "".join(parser.tokens.raw_group()))
        made = parser.function(re.sub(r"\\(?:mathrm|rm|text) *|[{}\\]", "", name), movable=limits)
        return Node(made.xml, limits=limits)

    return read


def _horizontal(parser: Parser) -> Node:
    given = _LENGTH.fullmatch("".join(parser.tokens.raw_group()).strip())
    return nodes.space(round(float(given[1]) * _EM[given[2]], 3)) if given else Node("")


def _colour(parser: Parser) -> str:
    name = "".join(parser.tokens.raw_group()).strip()
    return name if _COLOUR.fullmatch(name) else ""


def _coloured(parser: Parser) -> Node:
    colour = _colour(parser)
    return nodes.element("mrow", parser.argument(), style=f"color:{colour}" if colour else "")


def _negated(parser: Parser) -> Node:
    made = parser.atom().xml
    end = made.rfind("</")  # the stroke goes behind the character it crosses out
    return Node(f"{made[:end]}\u0338{made[end:]}" if end > 0 else made)


def _modulo(parser: Parser) -> Node:
    inside = parser.argument()
    return nodes.element(
        "mrow", nodes.space(1), nodes.operator("(", stretchy="false"), nodes.text("mod "), inside,
        nodes.operator(")", stretchy="false"),
    )


def _tag(parser: Parser) -> Node:
    shown = "".join(parser.tokens.raw_group())
    return nodes.row([nodes.space(2), nodes.text(f"({shown})")])


def _skip(parser: Parser) -> Node:
    parser.tokens.raw_group()
    return Node("")


def _wrapped(name: str, large: bool = False) -> Handler:
    def read(parser: Parser) -> Node:
        inside = parser.argument()
        return Node(nodes.element(name, inside).xml, limits=large)

    return read


def _boxed(parser: Parser) -> Node:
    return nodes.element("mrow", parser.argument(), class_="boxed")


def _define(parser: Parser) -> Node:
    name = "".join(parser.tokens.raw_group()).strip()
    count = parser.tokens.optional()
    default = parser.tokens.optional() if count else None
    given = int("".join(count)) if count and "".join(count).isdigit() else 0
    if name[:1] == "\\":
        parser.tokens.define(name, Macro(min(given, 9), default, parser.tokens.raw_group()))
    return Node("")


def _define_plainly(parser: Parser) -> Node:
    name, given = "".join(parser.tokens.raw_group()), 0
    while parser.tokens.peek() == "#":
        parser.tokens.next()
        parser.tokens.next()
        given += 1
    if name[:1] == "\\":
        parser.tokens.define(name, Macro(given, None, parser.tokens.raw_group()))
    return Node("")


def _define_operator(limits: bool) -> Handler:
    def read(parser: Parser) -> Node:
        name = "".join(parser.tokens.raw_group())
        star = "*" if limits else ""
        parser.tokens.define(name, Macro(0, None, [f"\\operatorname{star}", "{", *parser.tokens.raw_group(), "}"]))
        return Node("")

    return read


HANDLERS.update(
    {
        "frac": _fraction(), "dfrac": _fraction("true"), "tfrac": _fraction("false"), "cfrac": _fraction("true"),
        "binom": _fraction(bar="0", brackets=True), "dbinom": _fraction("true", "0", True),
        "tbinom": _fraction("false", "0", True), "sqrt": _root, "left": _left, "not": _negated,
        "overset": _stacked(True), "stackrel": _stacked(True), "underset": _stacked(False), "pmod": _modulo,
        "bmod": lambda _: nodes.operator("mod", lspace="0.2222em", rspace="0.2222em"),
        "mod": lambda _: nodes.operator("mod", lspace="1em", rspace="0.3333em"),
        "operatorname": _operator_name(False), "operatorname*": _operator_name(True),
        "hspace": _horizontal, "hspace*": _horizontal, "mspace": _horizontal, "textcolor": _coloured,
        "colorbox": _coloured, "color": _coloured, "boxed": _boxed, "fbox": _boxed, "tag": _tag, "tag*": _tag,
        "label": _skip, "vspace": _skip, "require": _skip, "cline": _skip,
        "phantom": _wrapped("mphantom"), "hphantom": _wrapped("mphantom"), "vphantom": _skip,
        "smash": _wrapped("mrow"), "mathop": _wrapped("mrow", large=True), "newcommand": _define,
        "newcommand*": _define, "renewcommand": _define, "renewcommand*": _define, "providecommand": _define,
        "def": _define_plainly, "DeclareMathOperator": _define_operator(False), "gdef": _define_plainly,
        **{name: _wrapped("mrow") for name in ("mathrel", "mathbin", "mathord", "mathopen", "mathclose", "mathpunct",
                                                "mathinner", "cancel", "ensuremath")},
        **{name: _accent(*how) for name, how in ACCENTS.items()},
        **{name: _arrow(mark) for name, mark in ARROWS.items()},
        **{name: _words(style) for name, style in _WORDS.items()},
        **{name: _font(font) for name, font in FONTS.items() if len(name) > 3 or name in ("bm", "pmb")},
        **{name + form: _sized(size, kind) for name, size in _BIG.items()
           for form, kind in (("", ""), ("l", "prefix"), ("r", "postfix"), ("m", "infix"))},
        **{name: (lambda mark: lambda _: nodes.operator(mark, stretchy="false"))(mark)
           for name, mark in DELIMITERS.items() if name not in ("backslash",)},
    }
)  # fmt: skip
