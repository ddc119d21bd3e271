"""A plain exchange of conversations, in a process of its own, that shares no code with trio_calls.

It serves a port of its own choosing, and talks to its parent process by lines of JSON: on standard
output ``{"port": …}`` comes first. An order on standard input is ``{"sessions": 1000, "messages":
10000, "per_second": 1000, "cuts": 10}``: it opens as many sessions as are missing, says ``"open"``,
waits for a line, writes the messages, one session after the other, cuts the control connection so
often meanwhile, and says ``{"lost": …, "p50": …, "p99": …}``, in seconds. What was not answered
when a connection was cut is written again on the next: nothing else tells whether it came.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import Any

import trio
from trio_websocket import (
    ConnectionClosed,
    WebSocketConnection,
    WebSocketRequest,
    serve_websocket,
)

#: How long the last answers may take, in seconds.
PATIENCE_SECONDS = 30


class PlainExchange:
    """One client, and any number of its sessions."""

    def __init__(self) -> None:
        self.port = 0
        self._socket: WebSocketConnection | None = None
        self._connected = trio.Event()
        self._ready: set[str] = set()
        self._sessions: list[str] = []
        # When each message that was not answered was written, by its number.
        self._unanswered: dict[int, float] = {}
        self._latencies: list[float] = []
        self._news = trio.Event()

    async def accept(self, request: WebSocketRequest) -> None:
        websocket = await request.accept()
        with suppress(ConnectionClosed):
            while True:
                await self._take(websocket, json.loads(await websocket.get_message()))

    async def open(self, number: int) -> None:
        """Open sessions until there are so many, and all are ready."""
        await self._connected.wait()
        while len(self._sessions) < number:
            self._sessions.append(f"session-{len(self._sessions)}")
            await self._tell(
                {
                    "type": "session.notify",
                    "sessionId": self._sessions[-1],
                    "channel": "WA",
                    "remoteAddress": "6591112222",
                    "localAddress": "6563334444",
                    "activity": "NEW_INCOMING_MESSAGE",
                    "createdAt": 1760000000,
                }
            )
        await self._wait_ready()

    async def _wait_ready(self) -> None:
        while len(self._ready) < len(self._sessions):
            await self._next_news()

    async def _cut(self) -> None:
        """Cut the connection, once everything is as it should be after the last cut."""
        await self._wait_ready()
        assert self._socket is not None
        self._ready.clear()
        await trio.aclose_forcefully(self._socket._stream)

    async def write(self, messages: int, per_second: float, cuts: int) -> dict[str, float]:
        """Write messages at a rate, and wait for their answers."""
        self._latencies.clear()
        cut_at = {messages * (cut + 1) // (cuts + 1) for cut in range(cuts)}
        next_at = trio.current_time()
        for number in range(messages):
            await trio.sleep_until(next_at)
            if number in cut_at:
                await self._cut()
            next_at = max(next_at, trio.current_time() - 1) + 1 / per_second
            self._unanswered[number] = trio.current_time()
            await self._deliver(number)
        with trio.move_on_after(PATIENCE_SECONDS):
            while self._unanswered:
                await self._next_news()
        lost = len(self._unanswered)
        self._unanswered.clear()
        self._latencies.sort()
        return {"lost": lost, **{f"p{part}": self._percentile(part) for part in (50, 99)}}

    def _percentile(self, part: int) -> float:
        return self._latencies[min(len(self._latencies) - 1, len(self._latencies) * part // 100)]

    async def _deliver(self, number: int) -> None:
        session_id = self._sessions[number % len(self._sessions)]
        if session_id in self._ready:
            content = {"type": "text", "text": {"body": str(number)}}
            sender = "6591112222"
            await self._tell(
                {
                    "type": "wa.msg.in",
                    "sessionId": session_id,
                    "sender": sender,
                    "content": content,
                }
            )

    async def _next_news(self) -> None:
        self._news = trio.Event()
        await self._news.wait()

    async def _tell(self, message: dict[str, Any]) -> None:
        # Whoever is cut off hears it on the next connection.
        if self._socket is not None:
            with suppress(ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError):
                await self._socket.send_message(json.dumps(message))

    async def _take(self, websocket: WebSocketConnection, message: dict[str, Any]) -> None:
        content: Any = None
        match message["type"]:
            case "setup":
                self._socket = websocket
                await self._tell({"type": "setup.done", "smWsId": f"{trio.current_time()}"})
                self._connected.set()
            case "session.open":
                content = {"session": {"id": message["sessionId"], "channel": "WA"}}
            case "session.ready":
                self._ready.add(message["sessionId"])
                for number in list(self._unanswered):
                    if self._sessions[number % len(self._sessions)] == message["sessionId"]:
                        await self._deliver(number)
            case "wa.msg.out":
                number = int(message["data"]["data"]["text"]["body"])
                written = self._unanswered.pop(number, None)
                if written is not None:
                    self._latencies.append(trio.current_time() - written)
                content = {"messages": [{"id": "wamid"}]}
        if "reqId" in message:
            await self._tell(
                {"type": "response", "reqId": message["reqId"], "ok": True, "content": content}
            )
        self._news.set()


def _say(word: object) -> None:
    print(json.dumps(word), flush=True)


async def main() -> None:
    exchange = PlainExchange()
    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve_websocket, exchange.accept, "127.0.0.1", 0, None)
        exchange.port = server.port
        _say({"port": server.port})
        lines = trio.wrap_file(sys.stdin)
        while line := await lines.readline():
            order = json.loads(line)
            await exchange.open(order.pop("sessions"))
            _say("open")
            await lines.readline()
            _say(await exchange.write(**order))
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)
