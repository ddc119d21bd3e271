"""A recognizer that takes all that waits at once, and loses nothing."""

import math

import trio

from examples.book.channels import hear
from examples.book.stage import NOT_AVAILABLE, is_speech, note
from trio_calls import ActiveCall

PAUSE_BYTES = 19_200  # 0.4 s


async def takes_all_that_waits(call: ActiveCall) -> None:
    await call.answer()
    send, receive = trio.open_memory_channel[bytes](math.inf)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hear, call, send)
        nursery.start_soon(recognize, call, receive)


async def recognize(call: ActiveCall, receive: trio.MemoryReceiveChannel[bytes]) -> None:
    has_spoken, silent_bytes = False, 0
    async for piece in receive:
        audio = piece
        while receive.statistics().current_buffer_used:
            audio += receive.receive_nowait()
        await trio.sleep(0.04)  # however much it is
        has_spoken = has_spoken or is_speech(audio)
        was_silent = silent_bytes
        silent_bytes = 0 if is_speech(audio) else silent_bytes + len(audio)
        if has_spoken and was_silent < PAUSE_BYTES <= silent_bytes:
            note("the recognizer has reached the pause, and the agent answers")
            await call.send_audio(NOT_AVAILABLE)
