"""A thread that asks, again and again, whether it is still wanted."""

import trio

from examples.book.stage import NOT_AVAILABLE, PLEASE_HOLD, block, note
from trio_calls import ActiveCall


async def lets_the_thread_ask(call: ActiveCall) -> None:
    await call.answer()
    await call.send_audio(PLEASE_HOLD)
    with call.cancel_on_hangup():
        await trio.to_thread.run_sync(look_through_all_tables)
        await call.send_audio(NOT_AVAILABLE)
    note("the agent writes the bill")


def look_through_all_tables() -> None:
    for _ in range(15):
        trio.from_thread.check_cancelled()
        block(0.7)
