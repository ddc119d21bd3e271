"""The caller hangs up: cancellation arrives from outside."""

import trio

from examples.book.stage import NOT_AVAILABLE, PLEASE_HOLD, Ada, note, play, show_tasks
from trio_calls import ActiveCall


async def goes_on_for_nobody(call: ActiveCall) -> None:
    await call.answer()
    await help_caller(call)
    note("the agent writes the bill")


async def stops_when_she_hangs_up(call: ActiveCall) -> None:
    await call.answer()
    with call.cancel_on_hangup():
        await help_caller(call)
    note("the agent writes the bill")


async def help_caller(call: ActiveCall) -> None:
    try:
        await call.send_audio(PLEASE_HOLD)
        note("the agent asks a slow model")
        await trio.sleep(20)
        note("the agent has its answer, and pays for it")
        await call.send_audio(NOT_AVAILABLE)
    except trio.Cancelled:
        note("Cancelled comes out of the await")
        raise
    finally:
        note("finally: the agent closes its connection to the model")


async def ada_loses_patience(ada: Ada) -> None:
    await trio.sleep(4)
    show_tasks()
    ada.hang_up()


if __name__ == "__main__":
    play(ada_loses_patience, goes_on_for_nobody, stops_when_she_hangs_up)
