"""The baseline of every SDK on Trio: no library, no SDK, and frames taken apart by hand.

There are two tasks for each call, one that reads and one that echoes, as in every SDK whose
connection is read while the application does something else. Only frames as the exchange of the
benchmark sends them are understood, and no TLS is.
"""

from __future__ import annotations

import os
import sys
from collections import deque

import trio
from websockets.speedups import apply_mask

from benchmarks.agents._claims import ANSWER, MediaAddress
from benchmarks.agents.baseline_websockets_sansio import open_bare_websocket, serve

_WHOLE_BINARY = 0x82
_LENGTH_IN_2_BYTES = 126
_RECEIVE_BYTES = 2**16


class Heard:
    """The frames of one call, between its two tasks."""

    def __init__(self) -> None:
        self.frames: deque[bytes] = deque()
        self.news = trio.lowlevel.ParkingLot()


async def echo(address: MediaAddress) -> None:
    async with (
        open_bare_websocket(address.url, address.headers) as websocket,
        trio.open_nursery() as nursery,
    ):
        websocket.protocol.send_text(ANSWER.encode())
        await websocket.flush()
        assert isinstance(websocket.stream, trio.SocketStream)
        descriptor = websocket.stream.socket.fileno()
        heard = Heard()
        nursery.start_soon(answer_back, descriptor, heard)
        data = b""
        while True:
            await trio.lowlevel.wait_readable(descriptor)
            data = take_frames(data + os.read(descriptor, _RECEIVE_BYTES), heard)


def take_frames(data: bytes, heard: Heard) -> bytes:
    """Take whole frames off the front. Returns the rest."""
    position = 0
    while position + 4 <= len(data):
        length = data[position + 1]
        start = position + 2
        if length == _LENGTH_IN_2_BYTES:
            length = data[start] << 8 | data[start + 1]
            start += 2
        if start + length > len(data):
            break
        if data[position] == _WHOLE_BINARY:
            heard.frames.append(data[start : start + length])
            heard.news.unpark()
        position = start + length
    return data[position:]


async def answer_back(descriptor: int, heard: Heard) -> None:
    while True:
        while not heard.frames:
            await heard.news.park()
        frame = heard.frames.popleft()
        mask = os.urandom(4)
        header = b"\x82\xfe" + len(frame).to_bytes(2, "big")
        os.write(descriptor, header + mask + apply_mask(frame, mask))
        await trio.lowlevel.checkpoint()


if __name__ == "__main__":
    trio.run(serve, sys.argv[1], echo)
