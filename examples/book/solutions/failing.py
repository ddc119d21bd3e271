"""A helper that is started again when it fails, three times at the most."""

import trio

from examples.book.failing import RecognizerError, apologize, recognize
from examples.book.stage import GREETING, note
from trio_calls import ActiveCall

LAST_ATTEMPT = 3


async def starts_it_again(call: ActiveCall) -> None:
    await call.answer()
    failures: list[Exception] = []
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(supervise_recognizer)
            await call.send_audio(GREETING)
            await call.wait_disconnected()
    except* RecognizerError as group:
        failures += group.exceptions
    if failures:
        await apologize(call)


async def supervise_recognizer() -> None:
    for attempt in range(1, LAST_ATTEMPT + 1):
        try:
            await recognize()
        except RecognizerError:  # no nursery in between: it comes alone
            if attempt == LAST_ATTEMPT:
                raise
            note("it is started again")
