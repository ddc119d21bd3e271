"""A thousand calls: what all of them share has a limit, and who has to wait is told so."""

import trio

from examples.book.stage import NOT_AVAILABLE, PLEASE_HOLD, Ada, Line, play, show_tasks
from trio_calls import ActiveCall

CALLERS = 9


class Database:
    """Takes two seconds for an answer, and fails those who are too many."""

    def __init__(self, at_once: int) -> None:
        self.seats = trio.Semaphore(at_once, max_value=at_once)

    async def ask(self) -> Line:
        self.seats.acquire_nowait()  # raises WouldBlock if there is none
        try:
            await trio.sleep(2)
        finally:
            self.seats.release()
        return NOT_AVAILABLE


database = Database(at_once=3)
queue = trio.Semaphore(3)


async def everybody_at_once(call: ActiveCall) -> None:
    await call.answer()
    await call.send_audio(await database.ask())
    await call.disconnect()


async def three_at_once(call: ActiveCall) -> None:
    await call.answer()
    await call.send_audio(PLEASE_HOLD)
    async with queue:
        answer = await database.ask()
    await call.send_audio(answer)
    await call.disconnect()


async def one_of_many(ada: Ada) -> None:
    await trio.sleep(1)
    show_tasks()
    await ada.stay()


if __name__ == "__main__":
    play(one_of_many, everybody_at_once, three_at_once, callers=CALLERS)
