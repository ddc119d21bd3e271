"""The vendor's newer client, which does what it is told, line by line. A program of its own.

It runs in an environment that has ``agentduet`` and nothing of ours. A line on its standard input
is a JSON object: ``do`` names a method of `Agent`, the rest are its arguments. A line on its
standard output is what came of it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import traceback
from typing import Any

import agentduet
from agentduet import (
    Address,
    AudioMode,
    Call,
    CallAudioConfig,
    InboundCallMode,
    SendWAMessage,
    SessionManager,
    SessionManagerConfig,
    TriggerConditionsBuilder,
)


class Agent:
    """An application of the client, with one call at a time."""

    def __init__(self) -> None:
        self.calls: asyncio.Queue[Any] = asyncio.Queue()
        self.messages: asyncio.Queue[Any] = asyncio.Queue()
        self.call: Call
        self.session: Any = None
        self.heard: dict[int, bytearray] = {}
        self.tasks: list[asyncio.Task[None]] = []

    async def connect(self, settings: dict[str, Any], audio_mode: str, sample_rate: int) -> Any:
        self.audio = CallAudioConfig(sample_rate, AudioMode(audio_mode))
        config = SessionManagerConfig.create(**settings, call_audio=self.audio)
        self.manager = SessionManager(config)
        await self.manager.__aenter__()
        self.manager.on_incoming_call(self.calls.put)
        self.manager.on_incoming_message(self.messages.put)
        self.manager.start()
        return agentduet.__version__

    async def disconnect(self) -> None:
        for task in self.tasks:
            task.cancel()
        await self.manager.__aexit__(None, None, None)

    async def open_session(self, session_id: str, subscriber: str) -> None:
        self.session = await self.manager.open_session(session_id, subscriber)

    async def take_call(self) -> dict[str, Any]:
        notice = await self.calls.get()
        await self.open_session(f"of {notice.call_id}", notice.subscriber)
        self.call = await self.session.inbound_call(notice)
        return self._described()

    async def create_call(self, number: str) -> dict[str, Any]:
        self.call = await self.session.outbound_call(Address.telco(number))
        return self._described()

    def _described(self) -> dict[str, Any]:
        return {
            "id": self.call.id,
            "caller": self.call.caller,
            "callee": self.call.callee,
            "state": self.call.state.value,
        }

    async def command(self, name: str, **arguments: Any) -> list[Any]:
        result = await getattr(self.call, name)(**arguments)
        return [result.success, result.error_code, result.payload]

    async def state(self) -> Any:
        return self.call.state.value

    async def listen(self, track: int = 0, echoes: bool = False) -> None:
        self.heard[track] = bytearray()
        self.tasks.append(asyncio.create_task(self._listen(track, echoes)))

    async def _listen(self, track: int, echoes: bool) -> None:
        async for chunk in self.call.audio_stream(track):
            self.heard[track] += chunk
            if echoes:
                await self.call.send_audio(chunk)

    async def what_was_heard(self, track: int = 0) -> str:
        return base64.b64encode(self.heard[track]).decode()

    async def say(self, pcm: str) -> None:
        await self.call.send_audio(base64.b64decode(pcm))

    async def hand_over(self) -> Any:
        return self.call.to_json()

    async def take_over(self, document: str) -> dict[str, Any]:
        self.call = Call.from_json(document)
        return self._described()

    async def next_message(self) -> dict[str, Any]:
        message = await self.messages.get()
        return {
            "from": message.participant.value,
            "to": message.subscriber,
            "payload": message.payload,
        }

    async def write(self, to: str, text: str) -> list[Any]:
        content = {
            "messaging_product": "whatsapp",
            "to": to,
            "type": "text",
            "text": {"body": text},
        }
        sent = await self.session.send_message(SendWAMessage(api_version="v23.0", data=content))
        return [sent.success, sent.error_code, sent.response_content]

    async def set_conditions(self, inbound_call: str) -> None:
        conditions = TriggerConditionsBuilder().inbound_call(InboundCallMode(inbound_call))
        await self.manager.setup_trigger_conditions(conditions.build())

    async def list_sessions(self, **filters: Any) -> list[list[Any]]:
        sessions = await self.manager.list_sessions(**filters)
        return [
            [session.session_id, session.subscriber, [each.value for each in session.participants]]
            for session in sessions
        ]


async def main() -> None:
    agent = Agent()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        try:
            answer = {"result": await getattr(agent, order.pop("do"))(**order)}
        except Exception as error:
            answer = {"error": type(error).__name__, "traceback": traceback.format_exc()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
