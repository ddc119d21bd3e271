"""In good time, with asyncio: the limits hold, and the line goes dead too early."""

import asyncio
from contextlib import suppress

import telcoflow

from examples.book.beside.stage import play
from examples.book.in_time import SERVER_SECONDS, ada_listens
from examples.book.stage import GUIDANCE, NOT_AVAILABLE, Line, note


async def with_asyncio(call: telcoflow.Call) -> None:
    await call.answer()
    speech = NOT_AVAILABLE  # recorded long ago, for when nothing else works
    with suppress(TimeoutError):
        async with asyncio.timeout(3):
            speech = await synthesize_somehow()
    await call.send_audio(speech)
    await call.disconnect()


async def synthesize_somehow() -> Line:
    attempt = 0
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                return await synthesize(attempt)
        note("that takes too long: the agent gives it up")
        await asyncio.sleep(0.2 * 2**attempt)
        attempt += 1


async def synthesize(attempt: int) -> Line:
    note("the agent asks the server for speech")
    await asyncio.sleep(SERVER_SECONDS[attempt])
    return GUIDANCE


if __name__ == "__main__":
    play(ada_listens, with_asyncio)
