"""asyncio as a guest of Trio: in one of its tasks, on its clock, and over its streams.

::

    a task of Trio ── asyncio runs until all its tasks wait ── the task sleeps ── asyncio runs …
                                                                │
                             until the first deadline of asyncio's, or news from Trio's other tasks

On a `trio.testing.MockClock`, programs of asyncio run in virtual time so, and always the same way.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import sniffio
import trio

T = TypeVar("T")

#: So long tasks that are cancelled may take to end.
END_SECONDS = 10

#: Opens a connection to a host and a port.
OpenStream = Callable[[str, int], Awaitable[trio.abc.Stream]]


async def run_asyncio(main: Callable[[], Coroutine[Any, Any, T]], open_stream: OpenStream) -> T:
    """Run a program of asyncio to its end, as `asyncio.run` does.

    What is left of its tasks then is cancelled, and waited for. Cancelling this cancels all of
    them.

    Args:
      main: the program.
      open_stream: makes the connections that the program opens, whatever they are to.
    """
    async with trio.open_nursery() as nursery:
        loop = GuestLoop(nursery, open_stream)
        try:
            return await loop.drive(main())
        finally:
            with trio.move_on_after(END_SECONDS, shield=True):
                await loop.drive(_end_what_is_left())
            loop.close()
            nursery.cancel_scope.cancel()


async def _end_what_is_left() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


class GuestLoop(asyncio.SelectorEventLoop):
    """An event loop of asyncio that has no time, no sockets and no threads of its own.

    Nothing else may call into it from other threads: it would not be woken.

    Args:
      nursery: where Trio does what the loop waits for.
      open_stream: makes the connections.
    """

    def __init__(self, nursery: trio.Nursery, open_stream: OpenStream) -> None:
        self._nursery = nursery
        self._open_stream = open_stream
        self._news = trio.Event()
        self._pause = _Pause(self)
        super().__init__(self._pause)

    def time(self) -> float:
        return trio.current_time()

    async def drive(self, program: Coroutine[Any, Any, T]) -> T:
        """Run until a coroutine has ended, and return what it does. Cancelling cancels it."""
        task = self.create_task(program)
        try:
            await self._run_until_done(task)
        except trio.Cancelled:
            task.cancel()
            with trio.move_on_after(END_SECONDS, shield=True):
                await self._run_until_done(task)
            raise
        return task.result()

    async def _run_until_done(self, task: asyncio.Task[Any]) -> None:
        while not task.done():
            self._run_until_all_wait()
            if not task.done():
                with trio.move_on_at(self._pause.until):
                    await self._news.wait()
                self._news = trio.Event()

    def _run_until_all_wait(self) -> None:
        library = sniffio.thread_local.name
        sniffio.thread_local.name = "asyncio"
        try:
            self.run_forever()
        finally:
            sniffio.thread_local.name = library

    def tell(self, callback: Callable[..., object], *args: Any) -> None:
        """Call something in this loop, soon. Only for tasks of Trio."""
        self.call_soon(callback, *args)
        self._news.set()

    def in_trio(self, function: Callable[..., Awaitable[T]], *args: Any) -> asyncio.Future[T]:
        """Run a function of Trio in a task of its own. Cancelling the future cancels that."""
        future: asyncio.Future[T] = self.create_future()
        scope = trio.CancelScope()
        future.add_done_callback(lambda future: future.cancelled() and scope.cancel())

        def settle(result: T | None, error: Exception | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]  # it is what the function gave

        async def run() -> None:
            with scope:
                try:
                    result = await function(*args)
                except Exception as error:
                    self.tell(settle, None, error)
                else:
                    self.tell(settle, result, None)

        self._nursery.start_soon(run)
        return future

    def run_in_executor(  # type: ignore[override]  # there are no other executors here
        self, executor: None, function: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run a function in a thread. As in asyncio, cancelling the future does not stop it."""
        return self.in_trio(trio.to_thread.run_sync, partial(function, *args))

    async def create_connection(  # type: ignore[override]  # nothing else asks for a connection here
        self,
        protocol_factory: Callable[[], asyncio.Protocol],
        host: str,
        port: int,
        **options: Any,
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        stream = await self.in_trio(self._open_stream, host, port)
        protocol = protocol_factory()
        transport = _StreamTransport(self, stream, protocol)
        protocol.connection_made(transport)
        self.in_trio(transport.carry)
        return transport, protocol


class _Pause(selectors.SelectSelector):
    """Stops its loop where it would wait, so that Trio can do so.

    Attributes:
      until: when the loop has something to do again, in Trio's time, if there are no news before.
    """

    def __init__(self, loop: GuestLoop) -> None:
        super().__init__()
        self._loop = loop
        self.until = -math.inf

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.until = math.inf if timeout is None else self._loop.time() + timeout
        if timeout is None or timeout > 0:
            self._loop.stop()
        return super().select(0)


class _StreamTransport(asyncio.Transport):
    """A connection of asyncio's over a stream of Trio's."""

    def __init__(
        self, loop: GuestLoop, stream: trio.abc.Stream, protocol: asyncio.Protocol
    ) -> None:
        super().__init__()
        self._loop = loop
        self._stream = stream
        self._protocol = protocol
        self._send, self._to_send = trio.open_memory_channel[bytes](math.inf)
        self._may_read = trio.Event()
        self._may_read.set()
        self._is_closing = False

    async def carry(self) -> None:
        """Carry bytes both ways, until the connection is over."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read)
                with suppress(trio.BrokenResourceError):
                    async for data in self._to_send:
                        await self._stream.send_all(data)
                nursery.cancel_scope.cancel()
        finally:
            await trio.aclose_forcefully(self._stream)
        self._loop.tell(self._protocol.connection_lost, None)

    async def _read(self) -> None:
        while True:
            await self._may_read.wait()
            data = await self._stream.receive_some()
            if not data:
                break
            self._loop.tell(self._protocol.data_received, data)
        self._loop.tell(self.close)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._is_closing:
            self._send.send_nowait(bytes(data))

    def close(self) -> None:
        # What was written before still goes out.
        self._is_closing = True
        self._send.close()

    def abort(self) -> None:
        self.close()

    def is_closing(self) -> bool:
        return self._is_closing

    def pause_reading(self) -> None:
        self._may_read = trio.Event()

    def resume_reading(self) -> None:
        self._may_read.set()

    def can_write_eof(self) -> bool:
        return False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        # Nothing waits here for long: the streams are in memory.
        pass
