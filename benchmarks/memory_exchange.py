"""A plain exchange for `memory.py`: it places calls as it is told, and keeps nothing of them.

It serves a port of its own choosing, and talks to its parent process by lines of JSON: on standard
output ``{"port": …}`` comes first. An order on standard input, ``{"calls": 200, "at_once": 200,
"frames": 10, "frame_bytes": 960, "pulls": true, "holds": true}``, is answered with ``"talking"``
when so many calls as go at once have had their audio, if they hold the line then until there is
another line of input, and with ``"done"`` when all calls are over. A call that is lost before ends
the process with an error.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import Any

import attrs
import trio
from trio_websocket import (
    ConnectionClosed,
    WebSocketConnection,
    WebSocketRequest,
    serve_websocket,
)


@attrs.frozen
class Order:
    """Which calls to place.

    Attributes:
      calls: how many.
      at_once: how many of them at a time.
      frames: that each agent hears.
      frame_bytes: the length of each.
      pulls: whether as much of the agent's audio is waited for.
      holds: whether calls go on, once all talk that go at once, until the parent says so.
    """

    calls: int
    at_once: int
    frames: int
    frame_bytes: int
    pulls: bool
    holds: bool


@attrs.define(eq=False)
class Lot:
    """The calls of one order."""

    order: Order
    talking: int = 0
    all_talk: trio.Event = attrs.field(factory=trio.Event)
    release: trio.Event = attrs.field(factory=trio.Event)
    over: dict[str, trio.Event] = attrs.field(factory=dict)

    async def hold(self) -> None:
        """Note that one more call talks, and wait for the others."""
        self.talking += 1
        if self.order.holds:
            if self.talking == self.order.at_once:
                self.all_talk.set()
            await self.release.wait()


class PlainExchange:
    """One agent, any number of its calls."""

    def __init__(self) -> None:
        self.port = 0
        self._control: WebSocketConnection | None = None
        self._stands = trio.Event()
        self._lot: Lot | None = None
        self._placed = 0
        self._ringing: set[str] = set()

    async def accept(self, request: WebSocketRequest) -> None:
        websocket = await request.accept()
        if request.path.startswith("/media/"):
            await self._talk(websocket, request.path.removeprefix("/media/"))
        else:
            with suppress(ConnectionClosed):
                await self._serve_control(websocket)

    async def fill(self, lot: Lot) -> None:
        """Place all calls of an order, and wait until they are over."""
        await self._stands.wait()
        self._lot = lot
        places = trio.Semaphore(lot.order.at_once)
        async with trio.open_nursery() as nursery:
            for _ in range(lot.order.calls):
                await places.acquire()
                nursery.start_soon(self._place, lot, places)

    async def _place(self, lot: Lot, places: trio.Semaphore) -> None:
        self._placed += 1
        session_id = f"session-{self._placed}"
        lot.over[session_id] = trio.Event()
        self._ringing.add(session_id)
        with suppress(ConnectionClosed):  # the next connection is offered it again
            await self._offer(session_id)
        await lot.over[session_id].wait()
        del lot.over[session_id]
        places.release()

    async def _offer(self, session_id: str) -> None:
        await self._tell(
            {
                "type": "session.notify",
                "sessionId": session_id,
                "channel": "TELCO",
                "activity": "NEW_INCOMING_CALL",
            }
        )

    async def _tell(self, message: dict[str, Any]) -> None:
        assert self._control is not None
        await self._control.send_message(json.dumps(message))

    async def _serve_control(self, websocket: WebSocketConnection) -> None:
        self._control = websocket
        while True:
            message = json.loads(await websocket.get_message())
            match message["type"]:
                case "setup":
                    await self._tell({"type": "setup.done", "smWsId": "control"})
                    self._stands.set()
                    for session_id in list(self._ringing):
                        await self._offer(session_id)
                case "session.open":
                    await self._tell(
                        {"type": "response", "reqId": message["reqId"], "ok": True, "content": {}}
                    )
                case "session.ready":
                    session_id = message["sessionId"]
                    await self._tell(
                        {
                            "type": "call.in",
                            "sessionId": session_id,
                            "callId": session_id,
                            "orgUuid": "org",
                            "from": "+65 9111 0000",
                            "to": "+65 6222 0000",
                            "url": f"ws://127.0.0.1:{self.port}/media/{session_id}",
                            "token": "token",
                        }
                    )

    async def _talk(self, websocket: WebSocketConnection, session_id: str) -> None:
        assert self._lot is not None
        lot, order = self._lot, self._lot.order
        self._ringing.discard(session_id)
        try:
            command = json.loads(await websocket.get_message())["data"]
            assert command["command"] == "call.answer"
            answer = {"command_id": command["command_id"], "success": True, "result": None}
            await _send(websocket, "command_response", answer)
            for _ in range(order.frames):
                await websocket.send_message(bytes(1 + order.frame_bytes))
            if order.pulls:
                await _pull(websocket, order.frames * order.frame_bytes)
            await websocket.ping()  # everything before it has been read
            await lot.hold()
            with suppress(ConnectionClosed):
                await _send(websocket, "call_event", {"event": "call.terminated"})
                await websocket.get_message()
        finally:
            lot.over[session_id].set()


async def _send(websocket: WebSocketConnection, wire_type: str, data: dict[str, Any]) -> None:
    await websocket.send_message(json.dumps({"type": wire_type, "data": data}))


async def _pull(websocket: WebSocketConnection, requested_bytes: int) -> None:
    await _send(websocket, "buffer_request", {"requested_bytes": requested_bytes, "channelId": 0})
    while requested_bytes > 0:
        message = await websocket.get_message()
        if isinstance(message, bytes):
            requested_bytes -= len(message) - 1


def _say(word: object) -> None:
    print(json.dumps(word), flush=True)


async def _fill_as_told(exchange: PlainExchange) -> None:
    lines = trio.wrap_file(sys.stdin)
    while line := await lines.readline():
        lot = Lot(Order(**json.loads(line)))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(exchange.fill, lot)
            if lot.order.holds:
                await lot.all_talk.wait()
                _say("talking")
                await lines.readline()
                lot.release.set()
        _say("done")


async def main() -> None:
    exchange = PlainExchange()
    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve_websocket, exchange.accept, "127.0.0.1", 0, None)
        exchange.port = server.port
        _say({"port": server.port})
        await _fill_as_told(exchange)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)
