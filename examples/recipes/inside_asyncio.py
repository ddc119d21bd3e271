"""Serve calls inside a program of asyncio, in its thread and its event loop: Trio as a guest.

Trio's functions run as they do anywhere. `run_trio` is how asyncio waits for one of them, and
`run_asyncio` how they wait for one of asyncio's. Whoever cancels either cancels the other, and
waits until that has ended.

Run it from the top of the checkout, with the settings of an exchange in the environment
(WSS_API_KEY, WSS_CONNECTOR_UUID): `python -m examples.recipes.inside_asyncio`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import trio

from trio_calls import ActiveCall, ClientConfig, serve_calls
from trio_calls.audio import read_wav

SPEECH = Path(__file__).parents[1] / "speech"

T = TypeVar("T")


async def main() -> None:
    """Run as a program of asyncio, which has other things to do as well."""
    database = Database()
    handler = partial(handle_call, asyncio.get_running_loop(), database)
    async with asyncio.TaskGroup() as group:
        other_work = group.create_task(asyncio.sleep(3600))
        await run_trio(serve_calls, handler, ClientConfig.from_env())  # SIGTERM ends it
        other_work.cancel()


async def handle_call(
    loop: asyncio.AbstractEventLoop, database: "Database", call: ActiveCall
) -> None:
    await call.answer()
    with call.cancel_on_hangup():
        name = await run_asyncio(loop, database.line_for, call.caller_number)
        await call.send_audio(read_wav(SPEECH / name, call.audio_format.sample_rate))
        await call.disconnect()


class Database:
    """Stands in for whatever there is for asyncio only."""

    async def line_for(self, number: str | None) -> str:
        await asyncio.sleep(0.05)
        return "goodbye.wav"


async def run_trio(function: Callable[..., Awaitable[T]], *args: Any, **options: Any) -> T:
    """Run a function of Trio to its end, in the event loop of whoever awaits this.

    Args:
      function: what to run, as `trio.run` does.
      args: what it is called with.
      options: of `trio.lowlevel.start_guest_run`.
    """
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    outcomes: list[Any] = []
    scope = trio.CancelScope()
    tokens: list[trio.lowlevel.TrioToken] = []

    async def run() -> T:
        tokens.append(trio.lowlevel.current_trio_token())
        with scope:
            return await function(*args)
        raise asyncio.CancelledError

    def note_end(outcome: Any) -> None:
        outcomes.append(outcome)
        over.set()

    trio.lowlevel.start_guest_run(
        run,
        run_sync_soon_threadsafe=loop.call_soon_threadsafe,
        done_callback=note_end,
        host_uses_signal_set_wakeup_fd=True,
        **options,
    )
    while not over.is_set():
        try:
            await over.wait()
        except asyncio.CancelledError:
            if tokens:
                tokens[0].run_sync_soon(scope.cancel)
            else:
                scope.cancel()
    result: T = outcomes[0].unwrap()
    return result


async def run_asyncio(
    loop: asyncio.AbstractEventLoop, function: Callable[..., Awaitable[T]], *args: Any
) -> T:
    """Run a function of asyncio to its end, for a task of Trio that is a guest of its loop."""

    async def run() -> T:
        return await function(*args)

    token = trio.lowlevel.current_trio_token()
    over = trio.Event()
    task = loop.create_task(run())
    task.add_done_callback(lambda _: token.run_sync_soon(over.set))
    try:
        await over.wait()
    finally:
        task.cancel()
        with trio.CancelScope(shield=True):
            await over.wait()
    return task.result()


if __name__ == "__main__":
    asyncio.run(main())
