"""In good time: a limit for what may be slow, another try, and something to say instead."""

import trio

from examples.book.stage import GUIDANCE, NOT_AVAILABLE, Ada, Line, note, play, show_tasks
from trio_calls import ActiveCall

SERVER_SECONDS = [8, 0.3]  # how long the first request takes, and the second


async def waits_as_long_as_it_takes(call: ActiveCall) -> None:
    await call.answer()
    await call.send_audio(await synthesize(attempt=0))
    await call.disconnect()


async def has_a_limit(call: ActiveCall) -> None:
    await call.answer()
    speech = NOT_AVAILABLE  # recorded long ago, for when nothing else works
    with trio.move_on_after(3):
        speech = await synthesize_somehow()
    await call.send_audio(speech)
    await call.disconnect()


async def synthesize_somehow() -> Line:
    attempt = 0
    while True:
        with trio.move_on_after(1):
            return await synthesize(attempt)
        note("that takes too long: the agent gives it up")
        await trio.sleep(0.2 * 2**attempt)  # a server that is busy gets more time each time
        attempt += 1


async def synthesize(attempt: int) -> Line:
    note("the agent asks the server for speech")
    await trio.sleep(SERVER_SECONDS[attempt])
    return GUIDANCE


async def ada_listens(ada: Ada) -> None:
    await trio.sleep(0.5)
    show_tasks()
    await ada.stay()


if __name__ == "__main__":
    play(ada_listens, waits_as_long_as_it_takes, has_a_limit)
