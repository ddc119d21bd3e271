"""How Sphinx builds this documentation. Nothing here needs the network."""

import builtins
import importlib
import pkgutil
import sys
from pathlib import Path
from typing import Any, Final

from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

CHECKOUT = Path(__file__).resolve().parent.parent
# What is documented is this checkout, whatever else may be installed.
sys.path.insert(0, str(CHECKOUT))
sys.path.insert(0, str(CHECKOUT / "docs"))

from trio_calls._public_names import DEFINED_IN, PUBLIC_MODULES  # noqa: E402
from trio_calls._version import __version__  # noqa: E402

# autodoc reads the comments of attributes, and their order, in the file that a class says it is in.
for public in PUBLIC_MODULES:
    importlib.import_module(public)
for claimed, home in DEFINED_IN.items():
    claimed.__module__ = home

project = "trio-calls"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinxcontrib_trio",
    # Beside this file.
    "folded_answers",
    "linked_captions",
    "listed_links",
]
exclude_patterns = ["_build"]
# Names of Trio are links into its documentation. The list of them is kept: docs/trio_inventory.py.
intersphinx_mapping = {
    "trio": ("https://trio.readthedocs.io/en/stable/", "inventories/trio.inv"),
}
# `name` in a docstring is a link, where the reference has that name.
default_role = "py:obj"

# Each link leads somewhere, or the build fails. Where nothing here can resolve one, it says why.
nitpicky = True
nitpick_ignore = [
    # What may be given for audio: the text of each method says it better than a union of five.
    ("py:class", "Clip"),
    ("py:class", "Pcm"),
    # Whatever names a session.
    ("py:class", "trio_calls.client.client.HasSession"),
    ("py:class", "SpeechSource"),
    ("py:class", "array.array"),
    # As what is beside it cannot be looked up, these stay as they are written.
    ("py:class", "NDArray"),
    ("py:class", "np.int16"),
    ("py:class", "Recording"),
    # OpenTelemetry's, which only a type checker imports.
    ("py:class", "TracerProvider"),
    # Type variables name nothing that could be read about.
    ("py:class", "trio_calls.testing._virtual_time.ResultT"),
    # Whatever has a session_id, as the text says.
    ("py:class", "trio_calls.client.client.HasSession"),
    # How autodoc writes pathlib.Path where only a type checker imports it.
    ("py:class", "Path"),
]

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
html_static_path = ["_style", "_static"]  # recordings are linked, not included
html_css_files = ["phones.css"]


def keep_colons(app: Sphinx, what: str, *rest: Any) -> None:
    """Keep napoleon from reading "Just arrived: the caller hears ringing." as a type and a text."""
    if what in {"attribute", "data", "property"}:
        lines: list[str] = rest[-1]
        lines[:0] = ["..", ""]


#: Whose names are no links, as their inventories are not at hand: the build needs no network.
#: What Trio's own documentation leaves out is looked up, too.
OTHER_PROJECTS: Final = {"collections", "logging", "numpy", "os", "pathlib", "ssl", "trio"}

#: Where a name of ours is looked up that is written without its module.
OUR_PREFIXES: Final = (
    "trio_calls.",
    "trio_calls.ActiveCall.",
    "trio_calls.config.",
    "trio_calls.CallClient.",
    "trio_calls.events.",
    "trio_calls.sessions.",
)


def resolve(app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, text: Any) -> Any:
    """Resolve names that are ours from anywhere, and check those of others and of arguments."""
    if node["refdomain"] != "py":
        return None
    target = node["reftarget"].removesuffix("()")
    for prefix in OUR_PREFIXES:
        found = env.domains["py"].resolve_xref(
            env, node["refdoc"], app.builder, "obj", prefix + target, node, text
        )
        if found is not None:
            return found
    is_known = is_of_others(target) or is_argument(target, node)
    return text if is_known else None


def is_of_others(target: str) -> bool:
    """Find out whether Python or another project has an object of this name."""
    if hasattr(builtins, target):
        return True
    if target.partition(".")[0] not in OTHER_PROJECTS:
        return False
    try:
        pkgutil.resolve_name(target)
    except (AttributeError, ImportError):
        return False
    return True


def is_argument(target: str, node: addnodes.pending_xref) -> bool:
    """Find out whether what is described around a name takes an argument of that name."""
    around = node.parent
    while around is not None and not isinstance(around, addnodes.desc):
        around = around.parent
    return around is not None and any(
        target == name.astext()
        for parameter in around.findall(addnodes.desc_parameter)
        for name in parameter.findall(addnodes.desc_sig_name)
    )


def setup(app: Sphinx) -> None:
    """Connect what is defined here, ahead of napoleon, and after the lists of other projects."""
    app.connect("missing-reference", resolve, priority=600)
    app.connect("autodoc-process-docstring", keep_colons, priority=400)
