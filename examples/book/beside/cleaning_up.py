"""Cleaning up, with asyncio: a goodbye that needs no shield, and has no end."""

import asyncio
from contextlib import suppress

import telcoflow
import trio

from examples.book.beside.stage import play
from examples.book.stage import GOODBYE, GREETING, Ada, note, show_tasks


async def with_asyncio(call: telcoflow.Call) -> None:
    await call.answer()
    with suppress(TimeoutError):
        async with asyncio.timeout(4):
            try:
                await call.send_audio(GREETING)
                await asyncio.Event().wait()
            finally:
                await say_goodbye(call)
    await call.disconnect()


async def say_goodbye(call: telcoflow.Call) -> None:
    note("the time is up")
    await call.send_audio(GOODBYE)
    while await call.get_send_audio_buffer_size() > 0:
        await asyncio.sleep(0.1)
    note("goodbye is said")


async def ada_stays_for_a_while(ada: Ada) -> None:
    await trio.sleep(7)
    show_tasks()
    with trio.move_on_after(3):
        await ada.stay()
    ada.hang_up()


if __name__ == "__main__":
    play(ada_stays_for_a_while, with_asyncio)
