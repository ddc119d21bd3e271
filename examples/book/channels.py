"""Talking between tasks: a queue, and what happens when it is full."""

import math
from contextlib import suppress

import trio

from examples.book.stage import NOT_AVAILABLE, REQUEST, Ada, is_speech, note, play, show_tasks
from trio_calls import ActiveCall

PAUSE_PIECES = 20


async def everything_waits(call: ActiveCall) -> None:
    await converse(call, math.inf)


async def little_waits(call: ActiveCall) -> None:
    await converse(call, 5)


async def converse(call: ActiveCall, most_pieces: float) -> None:
    await call.answer()
    send, receive = trio.open_memory_channel[bytes](most_pieces)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hear, call, send)
        nursery.start_soon(recognize, call, receive)


async def hear(call: ActiveCall, send: trio.MemorySendChannel[bytes]) -> None:
    async with send:  # when this ends, the loop at the other end does
        async for piece in call.audio_stream():
            with suppress(trio.WouldBlock):  # who is behind has to do without this one
                send.send_nowait(piece)


async def recognize(call: ActiveCall, receive: trio.MemoryReceiveChannel[bytes]) -> None:
    has_spoken, silent = False, 0
    async for piece in receive:
        await trio.sleep(0.04)  # twice as long as the 20 ms that it takes to say it
        has_spoken = has_spoken or is_speech(piece)
        silent = 0 if is_speech(piece) else silent + 1
        if has_spoken and silent == PAUSE_PIECES:
            note("the recognizer has reached the pause, and the agent answers")
            await call.send_audio(NOT_AVAILABLE)


async def ada_asks(ada: Ada) -> None:
    await ada.say(REQUEST)
    show_tasks()
    await trio.sleep(7)
    ada.hang_up()


if __name__ == "__main__":
    play(ada_asks, everything_waits, little_waits)
