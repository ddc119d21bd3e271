"""Talking between tasks, with asyncio: a queue that has a bound, and no end."""

import asyncio
from contextlib import suppress

import telcoflow

from examples.book.beside.stage import play
from examples.book.channels import PAUSE_PIECES, ada_asks
from examples.book.stage import NOT_AVAILABLE, is_speech, note


async def with_asyncio(call: telcoflow.Call) -> None:
    await call.answer()
    pieces = asyncio.Queue[bytes](5)
    async with asyncio.TaskGroup() as group:
        group.create_task(hear(call, pieces))
        group.create_task(recognize(call, pieces))
    note("both tasks have ended")


async def hear(call: telcoflow.Call, pieces: asyncio.Queue[bytes]) -> None:
    async for piece in call.audio_stream():
        with suppress(asyncio.QueueFull):  # who is behind has to do without this one
            pieces.put_nowait(piece)


async def recognize(call: telcoflow.Call, pieces: asyncio.Queue[bytes]) -> None:
    has_spoken, silent = False, 0
    while True:
        piece = await pieces.get()
        await asyncio.sleep(0.04)  # twice as long as the 20 ms that it takes to say it
        has_spoken = has_spoken or is_speech(piece)
        silent = 0 if is_speech(piece) else silent + 1
        if has_spoken and silent == PAUSE_PIECES:
            note("the recognizer has reached the pause, and the agent answers")
            await call.send_audio(NOT_AVAILABLE)


if __name__ == "__main__":
    play(ada_asks, with_asyncio)
