"""Starting calls; the page "Start a call" shows it."""

import math

import trio

from trio_calls import CallClient
from trio_calls.audio import noise
from trio_calls.sessions import WSSSessionClosedError, WSSSessionExistsError

REMINDER = noise(1, 24_000, seed=1)


async def remind(client: CallClient, number: str) -> bool:
    """Call a number and say something. Returns whether anybody has answered."""
    session_id = await client.sessions.create("TELCO", number)
    try:
        async with client.open_call(session_id) as call:
            await call.answer()
            await call.send_audio(REMINDER)
            await call.close()
    except WSSSessionClosedError:
        return False
    return True


async def remind_or_give_up(client: CallClient, number: str) -> bool:
    """Remind somebody, if they pick up within ten seconds. An error says that they declined."""
    session_id = await client.sessions.create("TELCO", number)
    with trio.move_on_after(10) as patience:
        async with client.open_call(session_id) as call:
            patience.deadline = math.inf  # the talk may take as long as it likes
            await call.answer()
            await call.send_audio(REMINDER)
            await call.close()
    if patience.cancelled_caught:
        await client.sessions.close(session_id)  # the telephone falls silent
    return not patience.cancelled_caught


async def start_or_join(client: CallClient, number: str) -> str:
    """Return the session with a number: a new one, or the one that is open."""
    try:
        return await client.sessions.create("TELCO", number)
    except WSSSessionExistsError as error:
        if error.session_id is None:
            raise
        return error.session_id


async def close_all_calls(client: CallClient) -> None:
    for session in await client.sessions.list("TELCO"):
        closure = await client.sessions.close(session.session_id)
        print(session.remote_address, closure.reason or "was closed before")


async def take_what_was_missed(client: CallClient) -> None:
    await client.set_call_flow(
        inbound_calls="missed_only",
        outbound_calls=False,
        inbound_messages=True,
        outbound_messages=False,
    )
