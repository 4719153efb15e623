"""Letters of the fonts that formulas tell apart: characters of their own in Unicode, so that no font is needed for them."""

from __future__ import annotations

# Where capitals, small letters and digits of each begin (Unicode, Mathematical Alphanumeric Symbols).
_STARTS: dict[str, tuple[int, int, int | None]] = {
    "bold": (0x1D400, 0x1D41A, 0x1D7CE),
    "bold-italic": (0x1D468, 0x1D482, None),
    "script": (0x1D49C, 0x1D4B6, None),
    "fraktur": (0x1D504, 0x1D51E, None),
    "double-struck": (0x1D538, 0x1D552, 0x1D7D8),
    "sans-serif": (0x1D5A0, 0x1D5BA, 0x1D7E2),
    "monospace": (0x1D670, 0x1D68A, 0x1D7F6),
}
# Those that Unicode had before and therefore has elsewhere.
_ELSEWHERE: dict[str, dict[str, str]] = {
    "script": dict(zip("BEFHILMRego", "ℬℰℱℋℐℒℳℛℯℊℴ")),
    "fraktur": dict(zip("CHIRZ", "ℭℌℑℜℨ")),
    "double-struck": dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ")),
}
# Small and capital Greek of the two bold alphabets.
_GREEK = {"bold": (0x1D6A8, 0x1D6C2), "bold-italic": (0x1D71C, 0x1D736)}

FONTS: dict[str, str] = {
    "mathbf": "bold", "textbf": "bold", "boldsymbol": "bold-italic", "bm": "bold-italic", "pmb": "bold-italic",
    "mathcal": "script", "mathscr": "script", "mathfrak": "fraktur", "mathbb": "double-struck", "mathsf": "sans-serif",
    "mathtt": "monospace", "mathrm": "normal", "mathit": "italic", "mathnormal": "italic", "mathbfit": "bold-italic",
    "rm": "normal", "bf": "bold", "it": "italic", "cal": "script", "sf": "sans-serif", "tt": "monospace",
}


def in_font(letter: str, font: str) -> str:
    """The character that looks so in any font; the letter itself where Unicode has none."""
    known = _ELSEWHERE.get(font, {}).get(letter)
    if known is not None:
        return known
    if font not in _STARTS:
        return letter
    capital, small, digit = _STARTS[font]
    if "A" <= letter <= "Z":
        return chr(capital + ord(letter) - ord("A"))
    if "a" <= letter <= "z":
        return chr(small + ord(letter) - ord("a"))
    if letter.isascii() and letter.isdigit():
        start = digit if digit is not None else 0x1D7CE if font == "bold-italic" else None
        return letter if start is None else chr(start + int(letter))
    if font in _GREEK:
        capital, small = _GREEK[font]
        if "Α" <= letter <= "Ω":
            return chr(capital + ord(letter) - ord("Α"))
        if "α" <= letter <= "ω":
            return chr(small + ord(letter) - ord("α"))
    return letter
