"""An answer that a child has found, used behind the block."""

import trio

from examples.book.stage import NOT_AVAILABLE, PLEASE_HOLD, Line
from trio_calls import ActiveCall


async def uses_the_answer(call: ActiveCall) -> None:
    answers: list[Line] = []

    async def look_up() -> None:
        await trio.sleep(3)
        answers.append(NOT_AVAILABLE)

    await call.answer()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(look_up)
        await call.send_audio(PLEASE_HOLD)
    await call.send_audio(answers[0])  # behind the block it is there
    await call.disconnect()
