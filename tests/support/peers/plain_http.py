"""Plain HTTP requests to a simulator, byte by byte."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.message import Message
from email.parser import BytesParser
from types import MappingProxyType
from typing import Any

import attrs
import trio

from trio_calls import ClientConfig
from trio_calls.simulator import Simulator


@attrs.frozen
class Answer:
    """An HTTP response, to the end of the connection."""

    status: int
    headers: Message
    body: Any


def credentials(config: ClientConfig) -> dict[str, str]:
    assert config.api_key is not None
    assert config.connector_uuid is not None
    return {"x-api-key": config.api_key, "x-connector-uuid": config.connector_uuid}


async def ask(
    simulator: Simulator,
    method: str,
    target: str,
    *,
    headers: Mapping[str, str] = MappingProxyType({}),
    body: bytes = b"",
) -> Answer:
    """Send a request with the simulator's credentials; a header with no text is left out."""
    sent = {"host": "simulator", **credentials(simulator.config), **headers}
    lines = [f"{method} {target} HTTP/1.1", *(f"{n}: {v}" for n, v in sent.items() if v)]
    return await exchange_bytes(simulator, "\r\n".join(lines).encode() + b"\r\n\r\n" + body)


async def exchange_bytes(simulator: Simulator, *pieces: bytes) -> Answer:
    """Send bytes, piece by piece, and take the answer apart."""
    assert simulator.config.open_stream is not None
    stream = await simulator.config.open_stream("simulator", 80)
    async with stream:
        for piece in pieces:
            await stream.send_all(piece)
            await trio.sleep(0.01)
        received = bytearray()
        with trio.fail_after(30):
            while not _is_whole(received) and (data := await stream.receive_some()):
                received += data
    return _take_apart(bytes(received))


def _is_whole(received: bytearray) -> bool:
    head, end, body = bytes(received).partition(b"\r\n\r\n")
    if not end:
        return False
    headers = BytesParser().parsebytes(head.partition(b"\r\n")[2])
    return len(body) >= int(headers.get("content-length", 0))


def _take_apart(received: bytes) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    line, _, headers = head.partition(b"\r\n")
    return Answer(
        int(line.split()[1]),
        BytesParser().parsebytes(headers),
        json.loads(body) if body else None,
    )
