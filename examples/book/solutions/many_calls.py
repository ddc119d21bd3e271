"""Whoever has waited for three seconds is asked to call again."""

import trio

from examples.book.many_calls import database, queue
from examples.book.stage import GOODBYE, PLEASE_HOLD
from trio_calls import ActiveCall


async def nobody_waits_for_long(call: ActiveCall) -> None:
    await call.answer()
    await call.send_audio(PLEASE_HOLD)
    answer = GOODBYE
    with trio.move_on_after(3) as patience:
        await queue.acquire()
    if not patience.cancelled_caught:
        try:
            answer = await database.ask()
        finally:
            queue.release()
    await call.send_audio(answer)
    await call.disconnect()
