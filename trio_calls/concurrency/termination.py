"""SIGTERM, as something that tasks can wait for.

The handler is shared by all clients of a process, and is not `trio.open_signal_receiver`: with two
receivers that end in another order than they began, the one that ends last restores a handler that
is gone.

It is this process's only. A process that is forked inherits it, and would be deaf to SIGTERM, as
nothing listens there: `multiprocessing` ends its workers in this way.
"""

from __future__ import annotations

import math
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import trio


class _SharedHandler:
    """The process's handler of SIGTERM, for as long as anybody listens.

    Several clients of a process share it: each hears of every signal, in whatever order they come
    and go. `trio.open_signal_receiver` would restore a handler that is gone.

    Attributes:
      listeners: get an item for each signal.
    """

    def __init__(self) -> None:
        self.listeners: set[trio.MemorySendChannel[None]] = set()
        self._token = trio.lowlevel.current_trio_token()

    def __call__(self, number: int, frame: object) -> None:
        if self.listeners:
            self._token.run_sync_soon(self._tell)
        else:
            # Somebody has put this handler back after the last listener had gone.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    def _tell(self) -> None:
        for listener in self.listeners:
            listener.send_nowait(None)


@contextmanager
def open_termination_receiver() -> Iterator[trio.MemoryReceiveChannel[None]]:
    """Receive an item for every SIGTERM that comes during the block.

    As Trio does with SIGINT, this leaves alone what belongs to somebody else: outside the main
    thread, and where the application has a handler of its own, nothing ever comes.
    """
    listener, received = trio.open_memory_channel[None](math.inf)
    with listener, received:
        handler = _find_handler()
        if handler is None:
            yield received
            return
        handler.listeners.add(listener)
        try:
            yield received
        finally:
            handler.listeners.remove(listener)
            if not handler.listeners and signal.getsignal(signal.SIGTERM) is handler:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _find_handler() -> _SharedHandler | None:
    """Find the shared handler, or install it, where that is allowed."""
    if threading.current_thread() is not threading.main_thread():
        return None
    present = signal.getsignal(signal.SIGTERM)
    if isinstance(present, _SharedHandler) and present.listeners:
        return present
    if isinstance(present, _SharedHandler) or present == signal.SIG_DFL:
        handler = _SharedHandler()
        signal.signal(signal.SIGTERM, handler)
        return handler
    return None


def _forget_handler() -> None:
    """Let SIGTERM end a process that was forked, whoever serves calls in the one it comes from."""
    if isinstance(signal.getsignal(signal.SIGTERM), _SharedHandler):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_handler)
