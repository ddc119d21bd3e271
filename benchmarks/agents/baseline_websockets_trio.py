"""The baseline on `websockets.trio`: an echo, and no SDK."""

from __future__ import annotations

import sys

import trio
from websockets.trio.client import connect

from benchmarks.agents._claims import (
    ANSWER,
    CONTROL_HEADERS,
    CONTROL_PATH,
    SETUP,
    MediaAddress,
    respond,
)


async def echo(address: MediaAddress) -> None:
    async with connect(address.url, additional_headers=address.headers) as websocket:
        await websocket.send(ANSWER)
        async for message in websocket:
            if isinstance(message, bytes):
                await websocket.send(message)


async def main(base_url: str) -> None:
    async with (
        trio.open_nursery() as calls,
        connect(base_url + CONTROL_PATH, additional_headers=CONTROL_HEADERS) as websocket,
    ):
        await websocket.send(SETUP)
        async for frame in websocket:
            response = respond(frame)
            if isinstance(response, MediaAddress):
                calls.start_soon(echo, response)
            elif response is not None:
                await websocket.send(response)


if __name__ == "__main__":
    trio.run(main, sys.argv[1])
