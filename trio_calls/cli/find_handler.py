"""Finds the handler of incoming calls in a file or a module."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Final

from trio_calls.call.active_call import ActiveCall
from trio_calls.call.scope import CallHandler
from trio_calls.cli.outcome import Failure, sentence_of

_USUAL_NAME: Final = "handle_call"


def find_handler(target: str) -> CallHandler:
    """Load the handler that a target names.

    Args:
      target: ``file.py``, ``file.py:function``, ``package.module`` or ``package.module:function``.
        Without a function: ``handle_call``, or else the only asynchronous function there that takes
        an `ActiveCall`.

    Raises:
      Failure: there is no such file, module or function, it cannot be loaded, or it is not clear
        which function is meant.
    """
    place, _, name = target.rpartition(":") if ":" in target else (target, "", "")
    module = _load_file(Path(place)) if place.endswith(".py") else _load_module(place)
    if name:
        return _named(module, name, place)
    if hasattr(module, _USUAL_NAME):
        return _named(module, _USUAL_NAME, place)
    candidates = [
        found
        for found in vars(module).values()
        if inspect.iscoroutinefunction(found)
        and found.__module__ == module.__name__
        and _takes_call(found)
    ]
    if len(candidates) != 1:
        names = ", ".join(candidate.__name__ for candidate in candidates)
        raise Failure(
            f"which function of {place} takes the calls? Name it: {place}:FUNCTION"
            + (f" (there are {names})" if names else f" (there is no {_USUAL_NAME})")
        )
    return _named(module, candidates[0].__name__, place)


def _named(module: ModuleType, name: str, place: str) -> CallHandler:
    handler = getattr(module, name, None)
    if not callable(handler):
        raise Failure(f"{place} has no function {name}")
    found: CallHandler = handler
    return found


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise Failure(f"there is no file {path}")
    # The modules beside it can be imported, as for a script; those of this folder, as for a module.
    sys.path[:0] = [str(path.parent.resolve()), str(Path.cwd())]
    name = f"_trio_calls_run_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # As an import does it: dataclasses and pickles look their module up.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise Failure(_explain(error, str(path))) from None
    return module


def _load_module(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise Failure(f"{name!r} is neither a Python file nor the name of a module")
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise Failure(f"there is no module {name}, here or installed") from None
        raise Failure(_explain(error, name)) from None
    except Exception as error:
        raise Failure(_explain(error, name)) from None


def _explain(error: Exception, place: str) -> str:
    """Describe why loading failed, and at which line of which file."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else place
    if isinstance(error, SyntaxError):
        where = f"{error.filename}:{error.lineno}"
    return f"{place} cannot be loaded: {type(error).__name__}: {sentence_of(error)} ({where})"


def _takes_call(function: object) -> bool:
    assert callable(function)
    try:
        parameters = inspect.signature(function, eval_str=True).parameters.values()
    except (NameError, ValueError):
        # Annotations that only a type checker can read.
        parameters = inspect.signature(function).parameters.values()
    annotations = [parameter.annotation for parameter in parameters]
    return annotations[:1] in ([ActiveCall], ["ActiveCall"])
