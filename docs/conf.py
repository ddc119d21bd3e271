"""How Sphinx builds this documentation. Nothing here needs the network."""

import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

CHECKOUT = Path(__file__).resolve().parent.parent
# What is documented is this checkout, whatever else may be installed.
sys.path.insert(0, str(CHECKOUT))

from trio_calls._version import __version__  # noqa: E402

project = "trio-calls"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinxcontrib_trio",
]
exclude_patterns = ["_build"]
# `name` in a docstring is a link, where the reference has that name.
default_role = "py:obj"

# sphinxcontrib_trio marks what is awaited or entered through classes that newer autodoc passes by.
autodoc_use_legacy_class_based = True
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
python_use_unqualified_type_names = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"trio-calls {release}"
html_show_copyright = False


def keep_colons(app: Sphinx, what: str, *rest: Any) -> None:
    """Keep napoleon from reading "Just arrived: the caller hears ringing." as a type and a text."""
    if what in {"attribute", "data", "property"}:
        lines: list[str] = rest[-1]
        lines[:0] = ["..", ""]


def setup(app: Sphinx) -> None:
    """Connect what is defined here, ahead of napoleon."""
    app.connect("autodoc-process-docstring", keep_colons, priority=400)
