"""An event loop of asyncio beside Trio's, in a thread of its own; Trio says what runs there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, ParamSpec, TypeVar

import trio

_P = ParamSpec("_P")
_T = TypeVar("_T")

#: How long tasks of asyncio may take to end by themselves, once nothing more is asked of them.
_GRACE_SECONDS: Final = 5.0


class AsyncioThread:
    """Runs async functions of asyncio for tasks of Trio. Opened by `open_asyncio`."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._complaints: list[str] = []

    async def run(
        self, function: Callable[_P, Awaitable[_T]], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Run a function of asyncio to its end, as if it were one of Trio's.

        Cancelling this cancels its task there.
        """

        async def call() -> _T:
            return await function(*args, **kwargs)

        done = trio.Event()
        token = trio.lowlevel.current_trio_token()
        future = asyncio.run_coroutine_threadsafe(call(), self._loop)
        future.add_done_callback(lambda _: token.run_sync_soon(done.set))
        try:
            await done.wait()
        finally:
            future.cancel()
        return future.result()

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the event loop until it is told to stop."""

        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            self._loop.set_exception_handler(self._complain)
            self._stop = asyncio.Event()
            trio.from_thread.run_sync(task_status.started)
            await self._stop.wait()
            await self._see_tasks_end()

        await trio.to_thread.run_sync(lambda: asyncio.run(main()))
        assert self._complaints == []

    def stop(self) -> None:
        """Let the event loop end."""
        self._loop.call_soon_threadsafe(self._stop.set)

    async def _see_tasks_end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=_GRACE_SECONDS)
            self._complaints += [f"left running: {task}" for task in left]

    def _complain(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._complaints.append(repr(context))


@asynccontextmanager
async def open_asyncio() -> AsyncIterator[AsyncioThread]:
    """Run an event loop of asyncio for as long as the block takes.

    An AssertionError ends it if a task was left there, or if anything went wrong that nobody saw.
    """
    async with trio.open_nursery() as nursery:
        thread = AsyncioThread()
        await nursery.start(thread.serve)
        try:
            yield thread
        finally:
            thread.stop()
