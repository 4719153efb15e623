"""Pieces of MathML: the text of an element, and what whoever puts scripts to it has to know."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Node:
    """`limits`: scripts go above and below."""

    xml: str
    limits: bool = False


def row(nodes: list[Node]) -> Node:
    """Several as one."""
    if len(nodes) == 1:
        return nodes[0]
    return Node(f"<mrow>{''.join(node.xml for node in nodes)}</mrow>")


def identifier(text: str, upright: bool = False) -> Node:
    """A name. Of one letter browsers slant it, unless it is to be upright."""
    variant = ' mathvariant="normal"' if upright and len(text) == 1 else ""
    return Node(f"<mi{variant}>{escape(text)}</mi>")


def number(text: str) -> Node:
    return Node(f"<mn>{escape(text)}</mn>")


def operator(text: str, **attributes: str) -> Node:
    """Anything with space around it; attributes as MathML calls them, without those that are empty."""
    given = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items() if value)
    return Node(f"<mo{given}>{escape(text)}</mo>")


def text(shown: str) -> Node:
    """Words, with the spaces at their ends."""
    kept = shown
    if kept[:1] == " ":
        kept = "\u00a0" + kept[1:]
    if kept[-1:] == " ":
        kept = kept[:-1] + "\u00a0"
    return Node(f"<mtext>{escape(kept, quote=False)}</mtext>")


def space(em: float) -> Node:
    return Node(f'<mspace width="{em:g}em"></mspace>')


def element(name: str, *children: Node, **attributes: str) -> Node:
    """An element around others; an attribute called `class_` is `class`."""
    given = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items() if value)
    return Node(f"<{name}{given}>{''.join(child.xml for child in children)}</{name}>")


NOTHING = Node("<mrow></mrow>")
