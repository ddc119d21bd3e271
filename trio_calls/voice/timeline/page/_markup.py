"""Makes HTML and SVG in which nothing that was told becomes markup. Pure."""

from __future__ import annotations

import html
import re
from typing import Final

_VOID: Final = {"input", "meta"}
#: Control characters, halves of characters, and what turns round the text beside it.
_UNFIT: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]"
)


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
    return _UNFIT.sub("\ufffd", text)


def short(number: float) -> str:
    """Write a number without zeros at its end."""
    return f"{number:.4f}".rstrip("0").rstrip(".")


def _attribute_name(key: str) -> str:
    return key.removesuffix("_").replace("_", "-")


def _attribute_value(value: object) -> str:
    if isinstance(value, float):
        return short(value)
    return "" if value is True else shown(str(value))
