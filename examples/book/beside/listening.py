"""Listen while you talk, with asyncio: both at once, and the greeting never ends."""

import asyncio

import telcoflow

from examples.book.beside.stage import play
from examples.book.listening import ada_is_in_a_hurry
from examples.book.stage import GREETING, is_speech, note


async def with_asyncio(call: telcoflow.Call) -> None:
    await call.answer()
    async with asyncio.TaskGroup() as group:
        group.create_task(talk(call))
        group.create_task(listen(call))


async def talk(call: telcoflow.Call) -> None:
    await call.send_audio(GREETING)
    while await call.get_send_audio_buffer_size() > 0:
        await asyncio.sleep(0.1)
    note("the greeting is over")


async def listen(call: telcoflow.Call) -> None:
    is_ada_heard = False
    async for chunk in call.audio_stream():  # ends when the call ends
        if is_speech(chunk) and not is_ada_heard:
            is_ada_heard = True
            note("the agent hears Ada")


if __name__ == "__main__":
    play(ada_is_in_a_hurry, with_asyncio)
