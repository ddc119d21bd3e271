"""Things fail together, with asyncio: the tasks do, and the call is left alone."""

import asyncio

import telcoflow
import trio

from examples.book.beside.stage import play
from examples.book.failing import RecognizerError
from examples.book.stage import GREETING, NOT_AVAILABLE, Ada, note, show_tasks


async def with_asyncio(call: telcoflow.Call) -> None:
    await call.answer()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(recognize())
            await call.send_audio(GREETING)
            async for _ in call.audio_stream():
                pass
    except RecognizerError:  # it comes in a group, which this does not match
        await call.send_audio(NOT_AVAILABLE)


async def recognize() -> None:
    await asyncio.sleep(4)
    note("the recognizer fails")
    raise RecognizerError("out of memory")


async def ada_stays_for_a_while(ada: Ada) -> None:
    await trio.sleep(5)
    show_tasks()
    with trio.move_on_after(4):
        await ada.stay()
    ada.hang_up()


if __name__ == "__main__":
    play(ada_stays_for_a_while, with_asyncio)
