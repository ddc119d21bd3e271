"""Interrupt: cancel one child, and keep the other."""

import trio

from examples.book.stage import GREETING, REQUEST, Ada, is_speech, note, play, show_tasks
from trio_calls import ActiveCall


async def cancels_everything(call: ActiveCall) -> None:
    await call.answer()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(talk, call, trio.CancelScope())
        nursery.start_soon(listen, call, nursery.cancel_scope)


async def cancels_what_talks(call: ActiveCall) -> None:
    await call.answer()
    talking = trio.CancelScope()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(talk, call, talking)
        nursery.start_soon(listen, call, talking)


async def talk(call: ActiveCall, talking: trio.CancelScope) -> None:
    with talking:
        await call.send_audio(GREETING)
        await call.wait_audio_sent()
    if talking.cancelled_caught:
        await call.clear_send_audio_buffer()  # what was queued is not to be heard, either


async def listen(call: ActiveCall, interrupted: trio.CancelScope) -> None:
    async for chunk in call.audio_stream():
        if is_speech(chunk) and not interrupted.cancel_called:
            note("the agent hears Ada, and cancels")
            interrupted.cancel()


async def ada_interrupts(ada: Ada) -> None:
    await trio.sleep(1)
    show_tasks()
    await ada.say(REQUEST)
    ada.hang_up()


if __name__ == "__main__":
    play(ada_interrupts, cancels_everything, cancels_what_talks)
