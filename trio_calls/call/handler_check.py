"""Whether a function can be a handler, told when it is registered and not when a call comes."""

from __future__ import annotations

import inspect


def check_handler(handler: object) -> None:
    """Raise `TypeError` unless a handler is a plain or an asynchronous function.

    A generator, whose author has left a ``yield`` in it, could be called, but would never run.
    """
    name = getattr(handler, "__qualname__", None) or repr(handler)
    if not callable(handler):
        raise TypeError(f"a handler must be a plain or asynchronous function, not {name}")
    # An object with __call__ is as good as a function.
    for function in (handler, type(handler).__call__):
        if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
            raise TypeError(f"{name} is a generator, which never runs: take the yield out of it")


def check_result(result: object) -> None:
    """Raise `TypeError` if a handler has returned a generator in place of running."""
    if inspect.isasyncgen(result) or inspect.isgenerator(result):
        raise TypeError(
            f"a handler has returned {result!r}, which never runs: it must not be a generator"
        )
