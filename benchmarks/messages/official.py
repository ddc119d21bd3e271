"""The official client answers messages: `python -m benchmarks.messages.official ws://…`.

Its limit is lifted: its bus of events keeps 100 of them for good, and refuses what comes then.
"""

from __future__ import annotations

import asyncio
import sys

import telcoflow
from telcoflow.messages import SendWAMessage

from benchmarks.agents.settings import API_KEY, CONNECTOR_UUID


async def main(base_url: str) -> None:
    config = telcoflow.SessionManagerConfig.create(
        api_key=API_KEY, connector_uuid=CONNECTOR_UUID, base_url=base_url
    )
    manager = telcoflow.SessionManager(config)
    manager._bus.event_history.max_history_size = None

    async def take_conversation(offer: telcoflow.SessionNotification) -> None:
        session = await manager.open_session(offer.session_id)
        session._bus.event_history.max_history_size = None

        async def answer(message: telcoflow.IncomingMessage) -> None:
            await session.send_message(SendWAMessage("v23.0", message.content))

        session.on_incoming_message(answer)
        await session.ready()

    manager.on_session_notification(take_conversation)
    async with manager:
        await manager.run_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
