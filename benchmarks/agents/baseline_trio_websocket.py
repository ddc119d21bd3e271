"""The baseline on trio-websocket: an echo, and no SDK."""

from __future__ import annotations

import sys

import trio
from trio_websocket import open_websocket_url

from benchmarks.agents._claims import (
    ANSWER,
    CONTROL_HEADERS,
    CONTROL_PATH,
    SETUP,
    MediaAddress,
    respond,
)


def encoded(headers: tuple[tuple[str, str], ...]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers]


async def echo(address: MediaAddress) -> None:
    async with open_websocket_url(address.url, extra_headers=encoded(address.headers)) as websocket:
        await websocket.send_message(ANSWER)
        while True:
            message = await websocket.get_message()
            if isinstance(message, bytes):
                await websocket.send_message(message)


async def main(base_url: str) -> None:
    async with (
        trio.open_nursery() as calls,
        open_websocket_url(
            base_url + CONTROL_PATH, extra_headers=encoded(CONTROL_HEADERS)
        ) as websocket,
    ):
        await websocket.send_message(SETUP)
        while True:
            response = respond(await websocket.get_message())
            if isinstance(response, MediaAddress):
                calls.start_soon(echo, response)
            elif response is not None:
                await websocket.send_message(response)


if __name__ == "__main__":
    trio.run(main, sys.argv[1])
