"""The official client, used as its documentation does: `python -m benchmarks.agents.official ws://…`."""

from __future__ import annotations

import asyncio
import sys

import telcoflow

from benchmarks.agents.settings import API_KEY, CONNECTOR_UUID, SAMPLE_RATE


async def echo(call: telcoflow.Call) -> None:
    await call.answer()
    async for chunk in call.audio_stream():
        await call.send_audio(chunk)


async def main(base_url: str) -> None:
    config = telcoflow.SessionManagerConfig.create(
        api_key=API_KEY,
        connector_uuid=CONNECTOR_UUID,
        base_url=base_url,
        call_audio=telcoflow.CallAudioConfig(sample_rate=SAMPLE_RATE),
    )
    manager = telcoflow.SessionManager(config)

    async def take_call(offer: telcoflow.SessionNotification) -> None:
        session = await manager.open_session(offer.session_id)
        session.on_incoming_call(echo)
        await session.ready()

    manager.on_session_notification(take_call)
    async with manager:
        await manager.run_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
