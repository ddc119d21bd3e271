"""Cleaning up: a goodbye that is said although everything is cancelled, and that has an end."""

import trio

from examples.book.stage import GOODBYE, GREETING, Ada, note, play, show_tasks
from trio_calls import ActiveCall


async def says_goodbye_too_late(call: ActiveCall) -> None:
    await call.answer()
    with trio.move_on_after(4):  # the call may take so long
        try:
            await talk_with_ada(call)
        finally:
            await say_goodbye(call)


async def says_goodbye_behind_a_shield(call: ActiveCall) -> None:
    await call.answer()
    with trio.move_on_after(4):
        try:
            await talk_with_ada(call)
        finally:
            with trio.move_on_after(3, shield=True):
                await say_goodbye(call)


async def talk_with_ada(call: ActiveCall) -> None:
    await call.send_audio(GREETING)
    await trio.sleep_forever()


async def say_goodbye(call: ActiveCall) -> None:
    note("the time is up")
    await call.send_audio(GOODBYE)
    await call.wait_audio_sent()
    note("goodbye is said")


async def ada_stays(ada: Ada) -> None:
    await trio.sleep(4.5)
    show_tasks()
    await ada.stay()


if __name__ == "__main__":
    play(ada_stays, says_goodbye_too_late, says_goodbye_behind_a_shield)
