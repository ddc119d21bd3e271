"""Makes HTML and SVG in which nothing that was told becomes markup. Pure."""

from __future__ import annotations

import html
import unicodedata
from typing import Final

_VOID: Final = {"input", "meta"}
#: They turn round what stands beside them.
_BIDIRECTIONAL_CONTROLS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Markup(str):
    """A text that is markup already. Every other one is escaped."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: object) -> Markup:
    """Make an element.

    Args:
      name: the name of its tag.
      children: what is in it. Texts that are not `Markup` are escaped.
      attributes: a trailing underscore is dropped, others become hyphens: ``class_``, ``data_at``.
        Numbers are written in short; None and False stand for no such attribute.
    """
    tag = name + "".join(
        f' {_attribute_name(key)}="{html.escape(_attribute_value(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Markup(f"<{tag}>")
    return Markup(f"<{tag}>{joined(*children)}</{name}>")


def joined(*children: str) -> Markup:
    """Put elements and texts one after another."""
    return Markup(
        "".join(
            child if isinstance(child, Markup) else html.escape(shown(child), quote=False)
            for child in children
        )
    )


def shown(text: str) -> str:
    """Return a text without what cannot be shown, or makes another text look different."""
    return "".join(map(_shown, text))


def short(number: float) -> str:
    """Write a number without zeros at its end."""
    return f"{number:.4f}".rstrip("0").rstrip(".")


def _shown(character: str) -> str:
    if character in "\n\t":
        return character
    is_hidden = unicodedata.category(character) in ("Cc", "Cs")
    return "\ufffd" if is_hidden or character in _BIDIRECTIONAL_CONTROLS else character


def _attribute_name(key: str) -> str:
    return key.removesuffix("_").replace("_", "-")


def _attribute_value(value: object) -> str:
    if isinstance(value, float):
        return short(value)
    return "" if value is True else shown(str(value))
