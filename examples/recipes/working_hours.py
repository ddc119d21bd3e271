"""Put callers through to people while they are at work, and take the call when they are not.

    PENDING → CONNECTED → DISCONNECTED     (caller and callee go on talking)
    PENDING → ANSWERED → DISCONNECTED

Run it from the top of the checkout, with the settings of an exchange in the environment
(WSS_API_KEY, WSS_CONNECTOR_UUID): `python -m examples.recipes.working_hours`.
"""

from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from trio_calls import ActiveCall, WSSCallCommandError, run
from trio_calls.voice import open_voice

SPEECH = Path(__file__).parents[1] / "speech"

# Of the office, wherever this program runs.
OFFICE = ZoneInfo("Europe/Berlin")
OPENS, CLOSES = time(9, 0), time(17, 30)
SATURDAY = 5


async def handle_call(call: ActiveCall) -> None:
    if is_somebody_there(now()) and await put_through(call):
        return
    await call.answer()
    async with open_voice(call) as voice:
        await voice.say(SPEECH / "not_available.wav")
    await call.disconnect()


async def put_through(call: ActiveCall) -> bool:
    """Connect caller and callee, and leave the two alone; return whether somebody picked up."""
    try:
        await call.connect(ring_time_seconds=20)
    except WSSCallCommandError:
        return False
    await call.close()
    return True


def is_somebody_there(moment: datetime) -> bool:
    there = moment.astimezone(OFFICE)
    return there.weekday() < SATURDAY and OPENS <= there.time() < CLOSES


def now() -> datetime:
    return datetime.now(OFFICE)


if __name__ == "__main__":
    run(handle_call)
