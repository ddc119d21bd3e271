"""The official client, as documented: `python -m benchmarks.agents.official ws://…`.

With ``unlimited`` as a second argument, one of its limits is lifted. Without that, it takes 50
calls in its life: its bus of events keeps 100 of them for good, two a call, and refuses the next.
The audio does not go over this bus, so what a call costs is the same.
"""

from __future__ import annotations

import asyncio
import sys

import telcoflow

from benchmarks.agents.settings import API_KEY, CONNECTOR_UUID, SAMPLE_RATE


async def echo(call: telcoflow.Call) -> None:
    await call.answer()
    async for chunk in call.audio_stream():
        await call.send_audio(chunk)


async def main(base_url: str, *options: str) -> None:
    config = telcoflow.SessionManagerConfig.create(
        api_key=API_KEY,
        connector_uuid=CONNECTOR_UUID,
        base_url=base_url,
        call_audio=telcoflow.CallAudioConfig(sample_rate=SAMPLE_RATE),
    )
    manager = telcoflow.SessionManager(config)
    if "unlimited" in options:
        manager._bus.event_history.max_history_size = None

    async def take_call(offer: telcoflow.SessionNotification) -> None:
        session = await manager.open_session(offer.session_id)
        session.on_incoming_call(echo)
        await session.ready()

    manager.on_session_notification(take_call)
    async with manager:
        await manager.run_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
