"""The characters of a formula as tokens, with macros put in where they are used. Bounded: a macro may name itself."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\\(?:[a-zA-Z]+\*?|.)|[ \t\r\n]+|[0-9]+(?:\.[0-9]+)*|\.[0-9]+|.", re.DOTALL)
_COMMENT = re.compile(r"(?<!\\)%[^\n]*\n?")
_STARRED = {"\\operatorname*", "\\hspace*", "\\tag*", "\\newcommand*", "\\renewcommand*"}

MOST_CHARACTERS = 50_000
_MOST_TOKENS = 100_000


class NotUnderstood(Exception):
    """Cause: no formula, or one without an end. Handled by: its source is shown instead."""


class Macro:
    """A command of the author's: how many arguments it takes, the value of the first if it may be left out, the text."""

    def __init__(self, arguments: int, default: list[str] | None, body: list[str]) -> None:
        self.arguments = arguments
        self.default = default
        self.body = body


def split(source: str) -> list[str]:
    """The tokens of a text; spaces in a row are one."""
    if len(source) > MOST_CHARACTERS:
        raise NotUnderstood(f"a formula of {len(source)} characters")
    tokens: list[str] = []
    for token in _TOKEN.findall(_COMMENT.sub("", source)):
        if token[0] == "\\" and token[-1] == "*" and len(token) > 2 and token not in _STARRED:
            tokens += [token[:-1], "*"]
        else:
            tokens.append(" " if token.isspace() else token)
    return tokens


class Tokens:
    """What is still to be read."""

    def __init__(self, source: str, macros: dict[str, Macro]) -> None:
        self._left = split(source)[::-1]
        self._macros = macros
        self._budget = _MOST_TOKENS

    def peek(self) -> str:
        """The next token, the empty text at the end; macros are put in by now."""
        while self._left and self._left[-1] in self._macros:
            self._put_in(self._macros[self._left.pop()])
        return self._left[-1] if self._left else ""

    def next(self) -> str:
        """Takes a token; the empty text at the end."""
        token = self.peek()
        if token:
            self._left.pop()
        return token

    def skip_spaces(self) -> str:
        """The next token that is no space, which is not taken."""
        while self.peek() == " ":
            self._left.pop()
        return self.peek()

    def raw_group(self) -> list[str]:
        """An argument as it stands: what is between braces, or one token."""
        if not self.skip_spaces():
            raise NotUnderstood("an argument is missing")
        first = self._left.pop()
        if first == "{":
            return self._until("}", "{")
        if first[0].isdigit() and len(first) > 1:  # of `\\frac12` each is one
            self._left.append(first[1:])
            first = first[0]
        return [first]

    def optional(self) -> list[str] | None:
        """What is between brackets, if they come next."""
        if self.skip_spaces() != "[":
            return None
        self._left.pop()
        return self._until("]", "[")

    def put_back(self, tokens: list[str]) -> None:
        """To be read next."""
        self._budget -= len(tokens) + 1
        if self._budget < 0:
            raise NotUnderstood("macros that never end")
        self._left += tokens[::-1]

    def define(self, name: str, macro: Macro) -> None:
        """From here on, and in the formulas that follow."""
        self._macros[name] = macro

    def _until(self, end: str, begin: str) -> list[str]:
        found: list[str] = []
        depth = braces = 0
        while self._left:
            token = self._left.pop()
            if token == end and depth == 0 and (end == "}" or braces == 0):
                return found
            depth += (token == begin) - (token == end)
            braces += (token == "{") - (token == "}")
            found.append(token)
        raise NotUnderstood(f"{end} is missing")

    def _put_in(self, macro: Macro) -> None:
        given: list[list[str]] = []
        wanted = macro.arguments
        if macro.default is not None and wanted > 0:
            given.append(self.optional() or macro.default)
            wanted -= 1
        given += [self.raw_group() for _ in range(wanted)]
        text: list[str] = []
        body = iter(macro.body)
        for token in body:
            if token != "#":
                text.append(token)
                continue
            number = next(body, "")
            # Of "#12" the 1 alone names an argument.
            index = int(number[0]) - 1 if number[:1].isdigit() else -1
            if 0 <= index < len(given):
                text += [*given[index], *([number[1:]] if number[1:] else [])]
        self.put_back(text)
