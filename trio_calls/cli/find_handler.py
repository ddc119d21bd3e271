"""Finds the handlers of calls and of messages in a file or a module."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import attrs

from trio_calls.call.active_call import ActiveCall
from trio_calls.call.scope import CallHandler
from trio_calls.cli.outcome import Failure, sentence_of
from trio_calls.client.conversation import Conversation
from trio_calls.client.conversation_handlers import ConversationHandler

#: The usual name of a handler, and what it takes.
_CALLS: Final = ("handle_call", ActiveCall)
_MESSAGES: Final = ("handle_conversation", Conversation)


@attrs.frozen
class Handlers:
    """What an agent takes.

    Attributes:
      calls: the handler of its calls; None: it takes none.
      messages: the handler of its conversations; None: it takes none.
    """

    calls: CallHandler | None = None
    messages: ConversationHandler | None = None

    def __str__(self) -> str:
        both = {"calls": self.calls, "messages": self.messages}
        return " and ".join(taken for taken, handler in both.items() if handler is not None)


def find_handlers(target: str) -> Handlers:
    """Load the handlers that a target names.

    Args:
      target: ``file.py``, ``file.py:function``, ``package.module`` or ``package.module:function``.
        Without a function: ``handle_call``, or else the only asynchronous function there that takes
        an `ActiveCall`; and ``handle_conversation``, or else the only one that takes a
        `~trio_calls.sessions.Conversation`. One of the two is enough.

    Raises:
      Failure: there is no such file, module or function, it cannot be loaded, or it is not clear
        which function is meant.
    """
    place, _, name = target.rpartition(":") if ":" in target else (target, "", "")
    module = _load_file(Path(place)) if place.endswith(".py") else _load_module(place)
    if name:
        handler = _named(module, name, place)
        return Handlers(messages=handler) if _takes(handler, Conversation) else Handlers(handler)
    handlers = Handlers(
        _choose(module, "calls", *_CALLS, place), _choose(module, "messages", *_MESSAGES, place)
    )
    if handlers == Handlers():
        raise Failure(_which("calls", place, f"there is no {_CALLS[0]}"))
    return handlers


def find_handler(target: str) -> CallHandler:
    """Load the handler of calls that a target names, as `find_handlers` does."""
    handler = find_handlers(target).calls
    if handler is None:
        raise Failure(_which("calls", target.partition(":")[0], f"there is no {_CALLS[0]}"))
    return handler


def _choose(module: ModuleType, taken: str, usual_name: str, argument: type, place: str) -> Any:
    """Return the function that takes calls, or messages; None if there is none."""
    if hasattr(module, usual_name):
        return _named(module, usual_name, place)
    candidates = [
        found
        for found in vars(module).values()
        if _takes(found, argument) and found.__module__ == module.__name__
    ]
    if len(candidates) > 1:
        names = ", ".join(candidate.__name__ for candidate in candidates)
        raise Failure(_which(taken, place, f"there are {names}, and none is {usual_name}"))
    return candidates[0] if candidates else None


def _which(taken: str, place: str, why: str) -> str:
    return f"which function of {place} takes the {taken}? Name it: {place}:FUNCTION ({why})"


def _named(module: ModuleType, name: str, place: str) -> Any:
    handler = getattr(module, name, None)
    if not callable(handler):
        raise Failure(f"{place} has no function {name}")
    return handler


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


def _takes(found: Any, argument: type) -> bool:
    """Return whether an object is an asynchronous function of one such argument."""
    if not inspect.iscoroutinefunction(found):
        return False
    try:
        signature = inspect.signature(found, eval_str=True)
    except (AttributeError, NameError, TypeError, ValueError):
        # Annotations that only a type checker can read.
        signature = inspect.signature(found)
    try:
        signature.bind(None)
    except TypeError:
        return False
    first = next(iter(signature.parameters.values()))
    return first.annotation in (argument, argument.__name__)
