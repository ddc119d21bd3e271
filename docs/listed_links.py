"""Lists the links that lead elsewhere, as a build cannot follow them: it needs no network.

``docs/_build/external-links.txt`` has each address with the pages that it is on. Links within these
pages are checked by Sphinx, and names of Trio by its inventory.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any, Final

from docutils import nodes
from sphinx.application import Sphinx

LIST: Final = "external-links.txt"


def list_links(app: Sphinx, exception: Exception | None) -> None:
    """Write the list, if there is a build to which it belongs."""
    if exception is not None:
        return
    pages: defaultdict[str, set[str]] = defaultdict(set)
    for page in app.env.found_docs:
        for link in app.env.get_doctree(page).findall(nodes.reference):
            address = link.get("refuri", "")
            if address.startswith(("http://", "https://")):
                pages[address].add(page)
    lines = [f"{address}  {' '.join(sorted(pages[address]))}\n" for address in sorted(pages)]
    (Path(app.outdir) / LIST).write_text("".join(lines), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect it."""
    app.connect("build-finished", list_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
