"""Interrupt, with asyncio: who waits for a task that was cancelled ends with it."""

import asyncio

import telcoflow

from examples.book.beside.stage import play, seconds
from examples.book.interrupting import ada_interrupts
from examples.book.stage import GREETING, is_speech, note


async def with_asyncio(call: telcoflow.Call) -> None:
    await call.answer()
    talking = asyncio.create_task(talk(call))
    async for chunk in call.audio_stream():
        if is_speech(chunk) and not talking.done():
            note("the agent hears Ada, and cancels")
            talking.cancel()
            await talking
            await call.clear_send_audio_buffer()
            note("the agent has fallen silent, and listens")


async def talk(call: telcoflow.Call) -> None:
    await call.send_audio(GREETING)
    await asyncio.sleep(seconds(GREETING))


if __name__ == "__main__":
    play(ada_interrupts, with_asyncio)
