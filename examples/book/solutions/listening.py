"""Ask again when nothing is said: a third child."""

import trio

from examples.book.listening import listen, talk
from examples.book.stage import GREETING, Ada
from trio_calls import ActiveCall


async def asks_again(call: ActiveCall) -> None:
    await call.answer()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(talk, call)
        nursery.start_soon(listen, call)
        nursery.start_soon(ask_again, call)


async def ask_again(call: ActiveCall) -> None:
    await trio.sleep(6)
    await call.send_audio(GREETING)


async def ada_is_silent(ada: Ada) -> None:
    await trio.sleep(10)
    ada.hang_up()
