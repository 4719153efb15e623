"""What commands stand for that take no argument: a character, and the part it plays in a formula."""

from __future__ import annotations

_LOWER = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho"
_LOWER_AFTER_RHO = "sigma tau upsilon phi chi psi omega"

# Letters: slanted unless a font says otherwise.
LETTERS: dict[str, str] = {
    **{name: chr(0x3B1 + index) for index, name in enumerate(_LOWER.split())},
    **{name: chr(0x3C3 + index) for index, name in enumerate(_LOWER_AFTER_RHO.split())},
    "epsilon": "ϵ", "varepsilon": "ε", "phi": "ϕ", "varphi": "φ", "vartheta": "ϑ", "varpi": "ϖ", "varrho": "ϱ",
    "varsigma": "ς", "varkappa": "ϰ", "ell": "ℓ", "imath": "ı", "jmath": "ȷ", "hbar": "ℏ", "hslash": "ℏ", "partial": "∂",
    "wp": "℘", "Re": "ℜ", "Im": "ℑ", "aleph": "ℵ", "beth": "ℶ", "gimel": "ℷ", "daleth": "ℸ", "digamma": "ϝ",
}

# Upright, whatever stands around them.
UPRIGHT: dict[str, str] = {
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ", "Phi": "Φ",
    "Psi": "Ψ", "Omega": "Ω", "infty": "∞", "nabla": "∇", "emptyset": "∅", "varnothing": "∅", "forall": "∀", "exists": "∃",
    "nexists": "∄", "neg": "¬", "lnot": "¬", "top": "⊤", "bot": "⊥", "angle": "∠", "measuredangle": "∡", "triangle": "△",
    "square": "□", "Box": "□", "blacksquare": "■", "lozenge": "◊", "Diamond": "◊", "clubsuit": "♣", "diamondsuit": "♢",
    "heartsuit": "♡", "spadesuit": "♠", "flat": "♭", "natural": "♮", "sharp": "♯", "degree": "°", "checkmark": "✓",
    "prime": "′", "complement": "∁", "eth": "ð", "mho": "℧", "bigstar": "★", "dagger": "†", "ddagger": "‡", "S": "§",
    "P": "¶", "copyright": "©", "pounds": "£", "euro": "€", "yen": "¥", "ldots": "…", "dots": "…", "dotsc": "…",
    "dotso": "…", "cdots": "⋯", "dotsb": "⋯", "dotsm": "⋯", "dotsi": "⋯", "vdots": "⋮", "ddots": "⋱", "%": "%", "#": "#",
    "$": "$", "&": "&", "_": "_", "surd": "√", "backslash": "\\", "AA": "Å",
}

# Relations and binary operators: their space around is the one that browsers give them.
OPERATORS: dict[str, str] = {
    "pm": "±", "mp": "∓", "times": "×", "div": "÷", "cdot": "⋅", "ast": "∗", "star": "⋆", "circ": "∘", "bullet": "∙",
    "oplus": "⊕", "ominus": "⊖", "otimes": "⊗", "oslash": "⊘", "odot": "⊙", "cap": "∩", "cup": "∪", "uplus": "⊎",
    "sqcap": "⊓", "sqcup": "⊔", "wedge": "∧", "land": "∧", "vee": "∨", "lor": "∨", "setminus": "∖", "smallsetminus": "∖",
    "wr": "≀", "amalg": "⨿", "ltimes": "⋉", "rtimes": "⋊", "bigtriangleup": "△", "bigtriangledown": "▽",
    "triangleleft": "◁", "triangleright": "▷", "boxplus": "⊞", "boxtimes": "⊠", "dotplus": "∔", "veebar": "⊻",
    "leq": "≤", "le": "≤", "leqslant": "⩽", "leqq": "≦", "geq": "≥", "ge": "≥", "geqslant": "⩾", "geqq": "≧", "ll": "≪",
    "gg": "≫", "lll": "⋘", "ggg": "⋙", "neq": "≠", "ne": "≠", "equiv": "≡", "sim": "∼", "simeq": "≃", "approx": "≈",
    "approxeq": "≊", "cong": "≅", "propto": "∝", "varpropto": "∝", "asymp": "≍", "doteq": "≐", "triangleq": "≜",
    "coloneqq": "≔", "lesssim": "≲", "gtrsim": "≳", "lessgtr": "≶", "prec": "≺", "succ": "≻", "preceq": "⪯", "succeq": "⪰",
    "in": "∈", "notin": "∉", "ni": "∋", "owns": "∋", "subset": "⊂", "supset": "⊃", "subseteq": "⊆", "supseteq": "⊇",
    "subsetneq": "⊊", "supsetneq": "⊋", "sqsubseteq": "⊑", "sqsupseteq": "⊒", "mid": "∣", "nmid": "∤", "parallel": "∥",
    "nparallel": "∦", "perp": "⟂", "models": "⊨", "vDash": "⊨", "vdash": "⊢", "dashv": "⊣", "therefore": "∴",
    "because": "∵", "bowtie": "⋈", "smile": "⌣", "frown": "⌢", "between": "≬", "gets": "←", "leftarrow": "←",
    "to": "→", "rightarrow": "→", "leftrightarrow": "↔", "Leftarrow": "⇐", "Rightarrow": "⇒", "Leftrightarrow": "⇔",
    "longleftarrow": "⟵", "longrightarrow": "⟶", "longleftrightarrow": "⟷", "Longleftarrow": "⟸", "Longrightarrow": "⟹",
    "Longleftrightarrow": "⟺", "implies": "⟹", "impliedby": "⟸", "iff": "⟺", "mapsto": "↦", "longmapsto": "⟼",
    "hookleftarrow": "↩", "hookrightarrow": "↪", "uparrow": "↑", "downarrow": "↓", "updownarrow": "↕", "Uparrow": "⇑",
    "Downarrow": "⇓", "Updownarrow": "⇕", "nearrow": "↗", "searrow": "↘", "swarrow": "↙", "nwarrow": "↖",
    "rightharpoonup": "⇀", "rightharpoondown": "⇁", "leftharpoonup": "↼", "leftharpoondown": "↽",
    "rightleftharpoons": "⇌", "leftrightharpoons": "⇋", "rightrightarrows": "⇉", "leadsto": "⇝", "rightsquigarrow": "⇝",
    "twoheadrightarrow": "↠", "nrightarrow": "↛", "nleftarrow": "↚", "circlearrowright": "↻", "circlearrowleft": "↺",
    "colon": ":", "vert": "|", "Vert": "‖", "|": "‖", "lt": "<", "gt": ">",
}

# Large, with limits above and below where there is room.
LARGE: dict[str, str] = {
    "sum": "∑", "prod": "∏", "coprod": "∐", "bigcap": "⋂", "bigcup": "⋃", "bigsqcup": "⨆", "bigvee": "⋁", "bigwedge": "⋀",
    "bigodot": "⨀", "bigotimes": "⨂", "bigoplus": "⨁", "biguplus": "⨄",
}

# Large, with limits beside them.
INTEGRALS: dict[str, str] = {
    "int": "∫", "iint": "∬", "iiint": "∭", "iiiint": "⨌", "oint": "∮", "oiint": "∯", "oiiint": "∰", "smallint": "∫",
}

FUNCTIONS = frozenset(
    """arccos arcsin arctan arg cos cosh cot coth csc deg dim exp hom ker lg ln log sec sin sinh tan tanh arcsinh arccosh
    arctanh sgn""".split()
)
# Functions whose scripts go above and below.
LIMIT_FUNCTIONS: dict[str, str] = {
    **{name: name for name in "det gcd inf lim max min sup Pr argmax argmin".split()},
    "liminf": "lim inf", "limsup": "lim sup", "injlim": "inj lim", "projlim": "proj lim",
}

DELIMITERS: dict[str, str] = {
    "lbrace": "{", "rbrace": "}", "{": "{", "}": "}", "langle": "⟨", "rangle": "⟩", "lfloor": "⌊", "rfloor": "⌋",
    "lceil": "⌈", "rceil": "⌉", "lvert": "|", "rvert": "|", "lVert": "‖", "rVert": "‖", "vert": "|", "Vert": "‖",
    "|": "‖", "lbrack": "[", "rbrack": "]", "ulcorner": "⌜", "urcorner": "⌝", "lgroup": "⟮", "rgroup": "⟯",
    "lmoustache": "⎰", "rmoustache": "⎱", "uparrow": "↑", "downarrow": "↓", "updownarrow": "↕", "Uparrow": "⇑",
    "Downarrow": "⇓", "backslash": "\\", "llbracket": "⟦", "rrbracket": "⟧",
}

# Widths in em, the eighteenths of TeX.
SPACES: dict[str, float] = {
    ",": 0.1667, "thinspace": 0.1667, ":": 0.2222, ">": 0.2222, "medspace": 0.2222, ";": 0.2778, "thickspace": 0.2778,
    "!": -0.1667, "negthinspace": -0.1667, "enspace": 0.5, "enskip": 0.5, "quad": 1, "qquad": 2, " ": 0.3333,
    "space": 0.3333, "nobreakspace": 0.3333,
}

# What is put over or under an argument: the character, whether it stretches, whether it goes under.
ACCENTS: dict[str, tuple[str, bool, bool]] = {
    "hat": ("^", False, False), "widehat": ("^", True, False), "check": ("ˇ", False, False),
    "tilde": ("~", False, False), "widetilde": ("~", True, False), "acute": ("´", False, False),
    "grave": ("`", False, False), "dot": ("˙", False, False), "ddot": ("¨", False, False), "dddot": ("⃛", False, False),
    "breve": ("˘", False, False), "bar": ("‾", False, False), "vec": ("→", False, False), "mathring": ("˚", False, False),
    "overline": ("‾", True, False), "underline": ("_", True, True), "overrightarrow": ("→", True, False),
    "overleftarrow": ("←", True, False), "overleftrightarrow": ("↔", True, False), "underrightarrow": ("→", True, True),
    "overbrace": ("⏞", True, False), "underbrace": ("⏟", True, True), "overparen": ("⏜", True, False),
    "underparen": ("⏝", True, True), "overbracket": ("⎴", True, False), "underbracket": ("⎵", True, True),
}

ARROWS: dict[str, str] = {
    "xrightarrow": "→", "xleftarrow": "←", "xleftrightarrow": "↔", "xRightarrow": "⇒", "xLeftarrow": "⇐", "xmapsto": "↦",
    "xhookrightarrow": "↪", "xrightleftharpoons": "⇌", "xlongequal": "=",
}
