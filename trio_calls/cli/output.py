"""Printing that nothing waits for: calls must not suffer for whoever reads the output.

::

    print, click.echo, logging ──► sys.stdout, sys.stderr ──► queue ──► a thread ──► the descriptor

Whoever reads a pipe may go away, or stay and read nothing; disks are full. So inside `open_output`
the two streams of the process never raise and never wait. What cannot be written is dropped. Where
a thread is stuck in writing, up to `MAX_WAITING_LINES` wait; how many were dropped after that is
said when writing goes on. Streams without a descriptor, such as those of tests, stay as they are.

A line goes out in one piece: workers share the output. Lines of both streams keep their order where
both lead to the same file.
"""

from __future__ import annotations

import io
import os
import queue
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Final, TextIO

from trio_calls._plain_text import PLAIN

#: Lines that wait while nobody reads what was printed before.
MAX_WAITING_LINES: Final = 1000

#: How long the end of the process waits for the last lines to be read, in seconds.
LAST_LINES_SECONDS: Final = 1.0


class _Pump:
    """Writes lines to descriptors from a thread, so that only the thread can get stuck."""

    def __init__(self) -> None:
        self._lines: queue.Queue[tuple[int, bytes] | None] = queue.Queue(MAX_WAITING_LINES)
        self._dropped = 0
        # A process that was forked off has no such thread, and writes by itself.
        self._process = os.getpid()
        self._thread: threading.Thread | None = threading.Thread(
            target=self._run, name="trio-calls output", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:
            self._thread = None

    def put(self, descriptor: int, line: bytes) -> None:
        if self._thread is None or os.getpid() != self._process:
            _write(descriptor, line)
            return
        try:
            if self._dropped:
                self._lines.put_nowait((descriptor, b"(%d lines dropped)\n" % self._dropped))
                self._dropped = 0
            self._lines.put_nowait((descriptor, line))
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """Wait until all lines are written, but not for long."""
        if self._thread is not None:
            with suppress(queue.Full):
                self._lines.put_nowait(None)
            self._thread.join(LAST_LINES_SECONDS)
            if not self._thread.is_alive():
                self._thread = None

    def _run(self) -> None:
        while (waiting := self._lines.get()) is not None:
            _write(*waiting)


def _write(descriptor: int, line: bytes) -> None:
    # The reader is gone, or the disk is full: perhaps not any more when the next line comes.
    with suppress(OSError):
        while line:
            try:
                line = line[os.write(descriptor, line) :]
            except BlockingIOError:
                # Another process has made it so, for all that share it.
                select.select([], [descriptor], [])


class _Output(io.TextIOBase):
    """A text stream in place of another one. Nothing that is written to it raises, or waits."""

    def __init__(self, stream: TextIO, descriptor: int, pump: _Pump) -> None:
        self._stream = stream
        self._descriptor = descriptor
        self._pump = pump
        self._begun = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has a variable
        return self._stream.encoding

    @property
    def errors(self) -> str:  # type: ignore[override]  # typeshed has a variable
        return PLAIN

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._descriptor

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"text must be str, not {type(text).__name__}")
        lines, end, rest = (self._begun + text).rpartition("\n")
        self._begun = rest
        if end:
            self._put(lines + end)
        return len(text)

    def flush(self) -> None:
        begun, self._begun = self._begun, ""
        if begun:
            self._put(begun)

    def close(self) -> None:
        # Whoever closes it shall not keep others from printing.
        self.flush()

    def _put(self, text: str) -> None:
        self._pump.put(self._descriptor, text.encode(self.encoding, self.errors))


@contextmanager
def open_output() -> Iterator[None]:
    """Replace `sys.stdout` and `sys.stderr`, for the block, by streams that nothing waits for."""
    with ExitStack() as stack:
        pumps: dict[tuple[int, int], _Pump] = {}
        for stream, redirect in (
            (sys.stdout, redirect_stdout),
            (sys.stderr, redirect_stderr),
        ):
            try:
                # It is None where the descriptor was closed before the program started.
                stream.flush()
                descriptor = stream.fileno()
                status = os.fstat(descriptor)
            except (AttributeError, OSError, ValueError):
                continue
            file = (status.st_dev, status.st_ino)
            if file not in pumps:
                pumps[file] = _Pump()
                stack.callback(pumps[file].close)
            output = _Output(stream, descriptor, pumps[file])
            stack.callback(output.flush)
            stack.enter_context(redirect(output))
        yield
