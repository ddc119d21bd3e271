"""Something to hear while it takes long: a line that is said only if it is needed."""

import trio

from examples.book.in_time import synthesize_somehow
from examples.book.stage import NOT_AVAILABLE, PLEASE_HOLD
from trio_calls import ActiveCall


async def says_that_it_takes_long(call: ActiveCall) -> None:
    await call.answer()
    speech = NOT_AVAILABLE
    async with trio.open_nursery() as nursery:
        nursery.start_soon(excuse, call)
        with trio.move_on_after(3):
            speech = await synthesize_somehow()
        nursery.cancel_scope.cancel()
    await call.send_audio(speech)
    await call.disconnect()


async def excuse(call: ActiveCall) -> None:
    await trio.sleep(1)
    await call.send_audio(PLEASE_HOLD)
