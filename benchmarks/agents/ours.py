"""The agent of this project: `python -m benchmarks.agents.ours ws://… trio-websocket second`.

After the URL come the transport and the wire.
"""

from __future__ import annotations

import sys

import trio

from benchmarks.agents.settings import API_KEY, CONNECTOR_UUID, SAMPLE_RATE
from trio_calls import ActiveCall, ClientConfig, serve_calls


async def echo(call: ActiveCall) -> None:
    await call.answer()
    async for chunk in call.audio_stream():
        await call.send_audio(chunk)


def config_of(base_url: str, transport: str = "websockets", wire: str = "first") -> ClientConfig:
    """Return the settings with which an agent of this SDK reaches an exchange of the benchmark."""
    return ClientConfig.sandbox(
        api_key=API_KEY,
        connector_uuid=CONNECTOR_UUID,
        sample_rate=SAMPLE_RATE,
        base_url=base_url,
        transport=transport,
        wire=wire,
    )


async def main(base_url: str, transport: str, wire: str) -> None:
    await serve_calls(echo, config_of(base_url, transport, wire))


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2], sys.argv[3])
