"""Things fail together: one child fails, its siblings end, and somebody sees to it."""

import trio

from examples.book.stage import GREETING, NOT_AVAILABLE, Ada, note, play, show_tasks
from trio_calls import ActiveCall


class RecognizerError(Exception):
    pass


async def catches_nothing(call: ActiveCall) -> None:
    await call.answer()
    try:
        await talk_and_recognize(call)
    except RecognizerError:  # it comes in a group, which this does not match
        await apologize(call)


async def catches_what_is_in_the_group(call: ActiveCall) -> None:
    await call.answer()
    failures: list[Exception] = []
    try:
        await talk_and_recognize(call)
    except* RecognizerError as group:
        failures += group.exceptions
    if failures:
        await apologize(call)


async def talk_and_recognize(call: ActiveCall) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(recognize)
        await call.send_audio(GREETING)
        await call.wait_disconnected()


async def recognize() -> None:
    await trio.sleep(4)
    note("the recognizer fails")
    raise RecognizerError("out of memory")


async def apologize(call: ActiveCall) -> None:
    note("the agent knows, and apologizes")
    await call.send_audio(NOT_AVAILABLE)
    await call.disconnect()


async def ada_stays(ada: Ada) -> None:
    await trio.sleep(3.5)
    show_tasks()
    await ada.stay()


if __name__ == "__main__":
    play(ada_stays, catches_nothing, catches_what_is_in_the_group)
