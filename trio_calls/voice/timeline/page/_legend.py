"""What the shapes of the lanes mean. Pure."""

from __future__ import annotations

from typing import Final

from trio_calls.voice.timeline.page._lanes import PARTS
from trio_calls.voice.timeline.page._markup import Markup, element

#: What hatched shapes are filled with.
HATCH: Final = element(
    "svg",
    element(
        "defs",
        element(
            "pattern",
            element("path", d="M0 0v7", class_="hatch-line"),
            id="hatch",
            width=7,
            height=7,
            patternUnits="userSpaceOnUse",
            patternTransform="rotate(45)",
        ),
    ),
    width=0,
    height=0,
    aria_hidden="true",
    class_="unseen",
)


def draw_legend() -> Markup:
    """Return a list of the shapes, each with its meaning."""
    items = [
        ("box said", "said and heard"),
        ("box unheard", "said and not heard"),
        ("box paused", "paused"),
        ("box interruption", "interrupted"),
        *((f"swatch {part}", part) for part in PARTS),
    ]
    return element(
        "ul",
        *(element("li", element("span", class_=f"key {kind}"), text) for kind, text in items),
        class_="legend",
    )
