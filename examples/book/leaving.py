"""Who waits for whom: a block that ends when all that it has started has ended."""

import trio

from examples.book.stage import NOT_AVAILABLE, PLEASE_HOLD, Ada, note, play, show_tasks
from trio_calls import ActiveCall


async def nobody_waits(call: ActiveCall) -> None:
    await call.answer()
    trio.lowlevel.spawn_system_task(look_up, call)
    await call.send_audio(PLEASE_HOLD)
    await call.disconnect()


async def the_block_waits(call: ActiveCall) -> None:
    await call.answer()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(look_up, call)
        await call.send_audio(PLEASE_HOLD)
    await call.disconnect()


async def look_up(call: ActiveCall) -> None:
    note("the agent looks up who is free")
    await trio.sleep(3)
    note("the agent knows: nobody is")
    await call.send_audio(NOT_AVAILABLE)


async def ada_waits(ada: Ada) -> None:
    await trio.sleep(1)
    show_tasks()
    await ada.stay()
    await trio.sleep(2)


if __name__ == "__main__":
    play(ada_waits, nobody_waits, the_block_waits)
