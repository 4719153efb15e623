"""What a terminal would show of text with escape codes, as HTML: colours, bold, underlined; other codes are left out.

nbconvert's own filter copies the rest of the text at every code: 40 MB of coloured lines were not done in ten minutes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Union

_CODE = re.compile(r"\x1b\[([0-?]*)([ -/]*[@-~])")
_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
# What a palette of 256 has after its 16 named colours: a cube with these steps, then greys (xterm).
_STEPS = (0, 95, 135, 175, 215, 255)

# One of the 16 by number, or red, green and blue.
Colour = Union[int, tuple[int, int, int], None]


@dataclass
class _Pen:
    text: Colour = None
    ground: Colour = None
    bold: bool = False
    underlined: bool = False
    inverse: bool = False


def terminal_as_html(text: str) -> str:
    """The text with spans of the classes `ansi-…`; the same text without codes where there are none."""
    parts: list[str] = []
    pen = _Pen()
    start, at = "", 0
    for found in _CODE.finditer(text):
        parts.append(_piece(start, text[at : found.start()]))
        at = found.end()
        if found[2] == "m":
            _apply(pen, found[1])
            start = _span(pen)
    parts.append(_piece(start, text[at:]))
    return "".join(parts)


def _piece(start: str, text: str) -> str:
    shown = html.escape(text, quote=False)
    return f"{start}{shown}</span>" if start and text else shown


def _apply(pen: _Pen, codes: str) -> None:
    """Several codes at once, as in `1;31`; what is none is passed over."""
    try:
        numbers = iter([int(code) if code else 0 for code in codes.replace(":", ";").split(";")])
    except ValueError:
        return
    for number in numbers:
        if number == 0:
            pen.__init__()  # type: ignore[misc]
        elif number in (1, 5, 21, 22):
            pen.bold = number < 20
        elif number in (4, 24):
            pen.underlined = number == 4
        elif number in (7, 27):
            pen.inverse = number == 7
        elif 30 <= number <= 37 or 90 <= number <= 97:
            pen.text = number - 30 if number < 90 else number - 82
        elif 40 <= number <= 47 or 100 <= number <= 107:
            pen.ground = number - 40 if number < 100 else number - 92
        elif number in (38, 39):
            pen.text = _extended(numbers) if number == 38 else None
        elif number in (48, 49):
            pen.ground = _extended(numbers) if number == 48 else None


def _extended(numbers: Iterator[int]) -> Colour:
    kind = next(numbers, None)
    if kind == 2:
        red, green, blue = (min(next(numbers, 0), 255) for _ in range(3))
        return red, green, blue
    number = next(numbers, -1) if kind == 5 else -1
    if not 0 <= number <= 255:
        return None
    if number < 16:
        return number
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return grey, grey, grey
    cube = number - 16
    return _STEPS[cube // 36], _STEPS[cube // 6 % 6], _STEPS[cube % 6]


def _span(pen: _Pen) -> str:
    text = pen.text + 8 if pen.bold and isinstance(pen.text, int) and pen.text < 8 else pen.text
    front, back = (pen.ground, text) if pen.inverse else (text, pen.ground)
    classes: list[str] = []
    styles: list[str] = []
    for colour, ending, rule in ((front, "fg", "color"), (back, "bg", "background-color")):
        if isinstance(colour, int):
            classes.append(f"ansi-{_NAMES[colour % 8]}{'-intense' if colour > 7 else ''}-{ending}")
        elif colour is not None:
            styles.append(f"{rule}: rgb({','.join(map(str, colour))})")
        elif pen.inverse:
            classes.append(f"ansi-default-inverse-{ending}")
    classes += ["ansi-bold"] * pen.bold + ["ansi-underline"] * pen.underlined
    if not classes and not styles:
        return ""
    shown = f' class="{" ".join(classes)}"' if classes else ""
    return f'<span{shown} style="{"; ".join(styles)}">' if styles else f"<span{shown}>"
