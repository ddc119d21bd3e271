"""A cough is no interruption: it takes 0.4 s of speech."""

import trio

from examples.book.interrupting import talk
from examples.book.stage import REQUEST, Ada, Line, is_speech, note
from trio_calls import ActiveCall

INTERRUPTION_PIECES = 20  # of 20 ms each
COUGH = Line(REQUEST[:9600])  # the first 0.2 s of it
COUGH.words = "Khm."


async def does_not_mind_a_cough(call: ActiveCall) -> None:
    await call.answer()
    talking = trio.CancelScope()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(talk, call, talking)
        nursery.start_soon(listen, call, talking)


async def listen(call: ActiveCall, talking: trio.CancelScope) -> None:
    pieces = 0
    async for chunk in call.audio_stream():
        pieces = pieces + 1 if is_speech(chunk) else 0
        if pieces == INTERRUPTION_PIECES:
            note("the agent hears Ada, and cancels")
            talking.cancel()


async def ada_coughs(ada: Ada) -> None:
    await trio.sleep(1)
    await ada.say(COUGH)
    await trio.sleep(3)
    ada.hang_up()
