"""Waiting for the outside, with asyncio: a thread is always abandoned."""

import asyncio

import telcoflow

from examples.book.beside.stage import play
from examples.book.outside import ada_does_not_wait, look_up
from examples.book.stage import NOT_AVAILABLE, PLEASE_HOLD, note


async def with_asyncio(call: telcoflow.Call) -> None:
    await call.answer()
    await call.send_audio(PLEASE_HOLD)
    looking = asyncio.create_task(asyncio.to_thread(look_up))
    call.on_terminated(looking.cancel)
    await asyncio.wait([looking])
    if not looking.cancelled():
        await call.send_audio(NOT_AVAILABLE)
    note("the agent writes the bill")


if __name__ == "__main__":
    play(ada_does_not_wait, with_asyncio)
