"""Makes what is public say where it is imported from, and not in which file it stands.

So a traceback ends with ``trio_calls.WSSMediaError``, and a task is called
``trio_calls.serve_calls``: names that an application can write down, and that stay when a file
moves. The price, as for Trio's own: `inspect.getsource` does not find the source of a public class.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Final

_PACKAGE: Final = "trio_calls"

#: The modules that applications import from.
PUBLIC_MODULES: Final = (
    _PACKAGE,
    f"{_PACKAGE}.audio",
    f"{_PACKAGE}.events",
    f"{_PACKAGE}.fleet",
    f"{_PACKAGE}.sessions",
    f"{_PACKAGE}.simulator",
    f"{_PACKAGE}.telemetry",
    f"{_PACKAGE}.testing",
    f"{_PACKAGE}.voice",
)

#: Where public classes really stand. The comments on their attributes can only be read there.
DEFINED_IN: Final[dict[type, str]] = {}


def claim_names(module: str, namespace: Mapping[str, object], names: Iterable[str]) -> None:
    """Set ``__module__`` of public classes and functions to the module that exports them.

    Args:
      module: the name of the public module.
      namespace: its globals.
      names: what it exports. Constants are left alone, and what is another module's already.
    """
    for name in names:
        member = namespace[name]
        if not inspect.isclass(member) and not inspect.isfunction(member):
            continue
        home = member.__module__
        if home.startswith(f"{_PACKAGE}.") and home not in PUBLIC_MODULES:
            if inspect.isclass(member):
                _claim_class(member, home, module)
            member.__module__ = module


def _claim_class(claimed: type, home: str, module: str) -> None:
    DEFINED_IN[claimed] = home
    # `typing.get_type_hints` reads them with the names of the module that a class says it is from.
    claimed.__annotations__ = inspect.get_annotations(claimed, eval_str=True)
    for attribute in vars(claimed).values():
        function = _function_of(attribute)
        if inspect.isfunction(function) and function.__module__ == home:
            function.__module__ = module


def _function_of(attribute: object) -> object:
    """Return the function that makes up a method or a property."""
    if isinstance(attribute, classmethod | staticmethod):
        return attribute.__func__
    return attribute.fget if isinstance(attribute, property) else attribute
