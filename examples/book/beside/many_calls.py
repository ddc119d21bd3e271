"""A thousand calls, with asyncio: who is too many gets an error, and its caller hears nothing."""

import asyncio

import telcoflow
import trio

from examples.book.beside.stage import play, seconds
from examples.book.many_calls import CALLERS
from examples.book.stage import NOT_AVAILABLE, Ada, Line, show_tasks


class FullError(Exception):
    pass


class Database:
    """Takes two seconds for an answer, and fails those who are too many."""

    def __init__(self, at_once: int) -> None:
        self.seats = asyncio.Semaphore(at_once)

    async def ask(self) -> Line:
        if self.seats.locked():
            raise FullError
        async with self.seats:
            await asyncio.sleep(2)
        return NOT_AVAILABLE


database = Database(at_once=3)


async def with_asyncio(call: telcoflow.Call) -> None:
    await call.answer()
    answer = await database.ask()
    await call.send_audio(answer)
    await asyncio.sleep(seconds(answer))
    await call.disconnect()


async def one_of_many(ada: Ada) -> None:
    await trio.sleep(1)
    show_tasks()
    with trio.move_on_after(5):
        await ada.stay()
    ada.hang_up()


if __name__ == "__main__":
    play(one_of_many, with_asyncio, callers=CALLERS)
