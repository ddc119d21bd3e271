"""The caller hangs up, with asyncio: nobody tells the handler, unless it sees to that."""

import asyncio

import telcoflow

from examples.book.beside.stage import play
from examples.book.hanging_up import ada_loses_patience
from examples.book.stage import NOT_AVAILABLE, PLEASE_HOLD, note


async def with_asyncio(call: telcoflow.Call) -> None:
    await call.answer()
    await help_caller(call)
    note("the agent writes the bill")


async def with_asyncio_and_care(call: telcoflow.Call) -> None:
    await call.answer()
    helping = asyncio.create_task(help_caller(call))
    call.on_terminated(helping.cancel)
    await asyncio.wait([helping])
    note("the agent writes the bill")


async def help_caller(call: telcoflow.Call) -> None:
    try:
        await call.send_audio(PLEASE_HOLD)
        note("the agent asks a slow model")
        await asyncio.sleep(20)
        note("the agent has its answer, and pays for it")
        await call.send_audio(NOT_AVAILABLE)
    finally:
        note("finally: the agent closes its connection to the model")


if __name__ == "__main__":
    play(ada_loses_patience, with_asyncio, with_asyncio_and_care)
