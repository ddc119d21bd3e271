"""Who waits for whom, with asyncio: nobody."""

import asyncio

import telcoflow

from examples.book.beside.stage import play, seconds
from examples.book.leaving import ada_waits
from examples.book.stage import NOT_AVAILABLE, PLEASE_HOLD, note


async def with_asyncio(call: telcoflow.Call) -> None:
    await call.answer()
    asyncio.create_task(look_up(call))
    await call.send_audio(PLEASE_HOLD)
    await asyncio.sleep(seconds(PLEASE_HOLD))
    await call.disconnect()


async def look_up(call: telcoflow.Call) -> None:
    note("the agent looks up who is free")
    await asyncio.sleep(3)
    note("the agent knows: nobody is")
    await call.send_audio(NOT_AVAILABLE)


if __name__ == "__main__":
    play(ada_waits, with_asyncio)
