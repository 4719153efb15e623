"""From tokens to MathML: rows of atoms with their scripts; commands and environments are in files of their own."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection
from html import escape

from . import nodes
from .alphabets import FONTS, in_font
from .nodes import NOTHING, Node
from .symbols import FUNCTIONS, INTEGRALS, LARGE, LETTERS, LIMIT_FUNCTIONS, OPERATORS, SPACES, UPRIGHT
from .tokens import NotUnderstood, Tokens

_DEEPEST = 80
# Only their TeX spelling differs from what is shown.
_SHOWN = {"-": "−", "*": "∗", "`": "‘"}
_PLAIN_OPERATORS = set("+-*=<>:/|,;!?@`\"~")
_FONT_SWITCHES = {"rm", "bf", "it", "cal", "sf", "tt"}
_STYLES = {
    "displaystyle": ("true", "0"), "textstyle": ("false", "0"), "scriptstyle": ("false", "1"),
    "scriptscriptstyle": ("false", "2"),
}
_IGNORED = {
    "limits", "nolimits", "nonumber", "notag", "allowbreak", "nobreak", "relax", "strut", "mathstrut", "displaylimits",
    "hfill", "hline", "toprule", "midrule", "bottomrule", "null", "noindent", "centering",
}
_INFIX = {"over": "", "atop": "0", "choose": "0"}

Handler = Callable[["Parser"], Node]
# Filled by the files that know the commands; a name is without its backslash.
HANDLERS: dict[str, Handler] = {}


class Parser:
    """Reads one formula."""

    def __init__(self, tokens: Tokens, display: bool) -> None:
        self.tokens = tokens
        self.display = display
        self.font = ""
        self._depth = 0

    def row(self, ends: Collection[str]) -> Node:
        """Everything up to one of these tokens, which is not taken; the end of the text ends it as well."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotUnderstood("a formula nested too deep")
        font = self.font
        found: list[Node] = []
        made: Node | None = None
        while made is None:
            token = self.tokens.skip_spaces()
            if not token or token in ends:
                made = nodes.row(found) if found else NOTHING
            elif token in ("}", "\\right", "\\end", "&", "\\\\", "\\cr"):
                raise NotUnderstood(f"{token} where nothing has begun")
            elif token[1:] in _INFIX and token[0] == "\\":
                made = self._infix(self.tokens.next()[1:], found, ends)
            elif token[1:] in _STYLES and token[0] == "\\":
                found.append(self._styled(self.tokens.next()[1:], ends))
            elif token[1:] in _FONT_SWITCHES and token[0] == "\\":
                self.tokens.next()
                self.font = FONTS[token[1:]]
            else:
                found.append(self.scripted())
        self.font = font
        self._depth -= 1
        return made

    def argument(self) -> Node:
        """What a command is given: a group or one atom."""
        if self.tokens.skip_spaces() == "{":
            return self._group()
        tokens = self.tokens.raw_group()
        self.tokens.put_back(tokens)
        return self.atom()

    def optional(self) -> Node | None:
        """What is between brackets, if anything is."""
        tokens = self.tokens.optional()
        if tokens is None:
            return None
        self.tokens.put_back([*tokens, "}"])
        made = self.row(("}",))
        self.tokens.next()
        return made

    def in_font(self, font: str) -> Node:
        """The next argument in another font."""
        before, self.font = self.font, font
        try:
            return self.argument()
        finally:
            self.font = before

    def scripted(self) -> Node:
        """An atom with all that is above, below and beside it."""
        first = self.tokens.skip_spaces()
        base = NOTHING if first in ("^", "_") else self.atom()
        above: list[Node] = []
        below: list[Node] = []
        limits = base.limits
        while True:
            token = self.tokens.skip_spaces()
            if token == "'":
                primes = 0
                while self.tokens.peek() == "'":
                    self.tokens.next()
                    primes += 1
                above.insert(0, nodes.operator("′" * primes, lspace="0", rspace="0"))
            elif token in ("^", "_"):
                self.tokens.next()
                (above if token == "^" else below).append(self.argument())
            elif token in ("\\limits", "\\nolimits", "\\displaylimits"):
                limits = self.tokens.next() == "\\limits" or (token == "\\displaylimits" and limits)
            else:
                return _with_scripts(base, below, above, limits)

    def atom(self) -> Node:
        """One thing without scripts."""
        token = self.tokens.next()
        if token == "{":
            self.tokens.put_back(["{"])
            return self._group()
        if token[0] == "\\":
            return self._command(token[1:])
        if token[0].isdigit() or (token[0] == "." and len(token) > 1):
            return nodes.number("".join(in_font(digit, self.font) for digit in token))
        if token == "~":
            return nodes.space(SPACES[" "])
        return self.character(token)

    def character(self, token: str) -> Node:
        """A character that stands for itself."""
        if token in "()[]":
            return nodes.operator(token, stretchy="false")
        if token == "|":
            return nodes.operator(token, stretchy="false", lspace="0", rspace="0")
        if token == "/":
            return nodes.operator(token, lspace="0", rspace="0", stretchy="false")
        if token in _PLAIN_OPERATORS or unicodedata.category(token) in ("Sm", "Po", "Pd"):
            return nodes.operator(_SHOWN.get(token, token), stretchy="false" if token in "^~" else "")
        if token in "'.":
            return nodes.operator("′" if token == "'" else ".", lspace="0", rspace="0")
        if token.isalpha():
            return self.letter(token)
        return nodes.text(token)

    def letter(self, letter: str, upright: bool = False) -> Node:
        """A letter in the font that rules here."""
        # Bold Greek and italics keep their slant; everything else has characters of its own.
        font = "bold-italic" if self.font == "bold" and "α" <= letter <= "ω" else self.font
        shown = in_font(letter, font)
        return nodes.identifier(shown, upright or font == "normal" or shown != letter)

    def _group(self) -> Node:
        self.tokens.next()
        made = self.row(("}",))
        if not self.tokens.next():
            raise NotUnderstood("} is missing")
        return Node(made.xml)  # `{\\sum}` has no limits any more

    def _command(self, name: str) -> Node:
        handler = HANDLERS.get(name)
        if handler is not None:
            return handler(self)
        if name in LETTERS:
            return self.letter(LETTERS[name])
        if name in UPRIGHT:
            return self.letter(UPRIGHT[name], upright=True)
        if name in LARGE:
            return Node(nodes.operator(LARGE[name], movablelimits="true", largeop="true").xml, limits=True)
        if name in INTEGRALS:
            return nodes.operator(INTEGRALS[name], largeop="true")
        if name in OPERATORS:
            return nodes.operator(OPERATORS[name], stretchy="false")
        if name in LIMIT_FUNCTIONS:
            return Node(self.function(LIMIT_FUNCTIONS[name], movable=True).xml, limits=True)
        if name in FUNCTIONS:
            return self.function(name)
        if name in SPACES:
            return nodes.space(SPACES[name])
        if name in _IGNORED:
            return Node("")
        return nodes.element("mtext", Node(escape(f"\\{name}")), class_="unknown")

    def function(self, name: str, movable: bool = False) -> Node:
        """Upright, with a thin space on either side, but for a bracket that follows."""
        close = self.tokens.skip_spaces() in ("(", "[", "\\left", "^", "_", "")
        after = "0" if close and not movable else "0.1667em"
        return nodes.operator(
            name, form="prefix", lspace="0.1667em", rspace=after, movablelimits="true" if movable else ""
        )

    def _infix(self, name: str, found: list[Node], ends: Collection[str]) -> Node:
        upper = nodes.row(found) if found else NOTHING
        made = nodes.element("mfrac", upper, self.row(ends), linethickness=_INFIX[name])
        return in_brackets("(", made, ")") if name == "choose" else made

    def _styled(self, name: str, ends: Collection[str]) -> Node:
        display, level = _STYLES[name]
        before, self.display = self.display, display == "true"
        try:
            return nodes.element("mstyle", self.row(ends), displaystyle=display, scriptlevel=level)
        finally:
            self.display = before


def in_brackets(left: str, inside: Node, right: str) -> Node:
    """Between brackets that grow with what is in them; an empty one is none."""
    opening = [nodes.operator(left, fence="true", form="prefix", stretchy="true")] if left else []
    closing = [nodes.operator(right, fence="true", form="postfix", stretchy="true")] if right else []
    return nodes.element("mrow", *opening, inside, *closing)


def _with_scripts(base: Node, below: list[Node], above: list[Node], limits: bool) -> Node:
    if not below and not above:
        return base
    under, over = (nodes.row(found) if found else None for found in (below, above))
    name = "munderover" if limits else "msubsup"
    if under is None or over is None:
        name = {"munderover": "mover", "msubsup": "msup"}[name] if under is None else name.replace("over", "").replace("sup", "")
    return nodes.element(name, base, *(node for node in (under, over) if node is not None))
