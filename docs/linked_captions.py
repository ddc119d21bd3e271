"""Makes the name above a program a link to all of it.

Pages show the functions of a program that they speak of, and whoever wants to run it needs its
imports, too.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from sphinx.application import Sphinx

CHECKOUT: Final = Path(__file__).resolve().parent.parent
CAPTION: Final = re.compile(r"^( +:caption: )([\w/]+\.py)$", re.M)


def link_captions(app: Sphinx, page: str, source: list[str]) -> None:
    """Change captions that are paths in the checkout, before a page is read."""

    def link(caption: re.Match[str]) -> str:
        before, path = caption.groups()
        exists = (CHECKOUT / path).is_file()
        return f"{before}:download:`{path} </../{path}>`" if exists else caption[0]

    source[0] = CAPTION.sub(link, source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect it."""
    app.connect("source-read", link_captions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
