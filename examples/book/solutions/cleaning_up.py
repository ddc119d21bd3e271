"""A goodbye that hangs: the deadline of the shield ends it."""

import trio

from examples.book.cleaning_up import talk_with_ada
from examples.book.stage import note
from trio_calls import ActiveCall


async def ends_all_the_same(call: ActiveCall) -> None:
    await call.answer()
    with trio.move_on_after(4):
        try:
            await talk_with_ada(call)
        finally:
            with trio.move_on_after(3, shield=True) as shield:
                await trio.sleep_forever()  # a goodbye that never comes to its end
            note(f"the goodbye was given up: {shield.cancelled_caught}")
