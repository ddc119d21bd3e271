"""Waiting for the outside: a thread that cannot be stopped, and who waits for it."""

import trio

from examples.book.stage import NOT_AVAILABLE, PLEASE_HOLD, Ada, block, note, play, show_tasks
from trio_calls import ActiveCall


async def waits_for_the_thread(call: ActiveCall) -> None:
    await call.answer()
    await call.send_audio(PLEASE_HOLD)
    with call.cancel_on_hangup():
        await trio.to_thread.run_sync(look_up)
        await call.send_audio(NOT_AVAILABLE)
    note("the agent writes the bill")


async def abandons_the_thread(call: ActiveCall) -> None:
    await call.answer()
    await call.send_audio(PLEASE_HOLD)
    with call.cancel_on_hangup():
        await trio.to_thread.run_sync(look_up, abandon_on_cancel=True)
        await call.send_audio(NOT_AVAILABLE)
    note("the agent writes the bill")


def look_up() -> None:
    # A driver of a database that has never heard of Trio.
    block(10, "the database has answered")


async def ada_does_not_wait(ada: Ada) -> None:
    await trio.sleep(4)
    ada.hang_up()
    await trio.sleep(1)
    show_tasks()
    await trio.sleep(8)


if __name__ == "__main__":
    play(ada_does_not_wait, waits_for_the_thread, abandons_the_thread)
