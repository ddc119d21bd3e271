"""Listen while you talk: two children of one call."""

import trio

from examples.book.stage import GREETING, REQUEST, Ada, is_speech, note, play, show_tasks
from trio_calls import ActiveCall


async def first_talk_then_listen(call: ActiveCall) -> None:
    await call.answer()
    await talk(call)
    await listen(call)


async def listen_while_talking(call: ActiveCall) -> None:
    await call.answer()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(talk, call)
        nursery.start_soon(listen, call)


async def talk(call: ActiveCall) -> None:
    await call.send_audio(GREETING)
    await call.wait_audio_sent()
    note("the greeting is over")


async def listen(call: ActiveCall) -> None:
    is_ada_heard = False
    async for chunk in call.audio_stream():  # ends when the call ends
        if is_speech(chunk) and not is_ada_heard:
            is_ada_heard = True
            note("the agent hears Ada")


async def ada_is_in_a_hurry(ada: Ada) -> None:
    await trio.sleep(1)
    show_tasks()
    await ada.say(REQUEST)
    ada.hang_up()


if __name__ == "__main__":
    play(ada_is_in_a_hurry, first_talk_then_listen, listen_while_talking)
