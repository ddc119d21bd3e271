"""The baseline on `websockets.asyncio`: an echo, and no SDK."""

from __future__ import annotations

import asyncio
import sys

from websockets.asyncio.client import connect

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
        asyncio.TaskGroup() as calls,
        connect(base_url + CONTROL_PATH, additional_headers=CONTROL_HEADERS) as websocket,
    ):
        await websocket.send(SETUP)
        async for frame in websocket:
            response = respond(frame)
            if isinstance(response, MediaAddress):
                calls.create_task(echo(response))
            elif response is not None:
                await websocket.send(response)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
