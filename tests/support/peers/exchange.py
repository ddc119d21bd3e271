"""An exchange that takes connections as a test says, and says on them what the test tells it."""

from __future__ import annotations

import math
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeVar

import attrs
import trio
import trio.testing

from tests.support.peers.control_words import CONTROL_WORDS, ControlWords
from tests.support.peers.links import ControlEnd, MediaEnd, Wire
from tests.support.peers.media_words import MEDIA_WORDS, MediaWords
from trio_calls import ActiveCall, CallClient, ClientConfig, events, open_call_client
from trio_calls.config import WireName
from trio_calls.transport import WebSocketClosed, WebSocketError, accept_websocket
from trio_calls.wire.message import Message
from trio_calls.wire.names import CONTROL_PATH

API_KEY: Final = "a-key-that-nobody-may-see"
CONNECTOR_UUID: Final = "a-connector-that-nobody-may-see"

_EndT = TypeVar("_EndT", ControlEnd, MediaEnd)


class Silence:
    """The answer of an exchange that takes a connection and says nothing, ever."""


SILENCE: Final = Silence()

#: What becomes of a connection: it is accepted (None), it gets these bytes and is hung up on, this
#: function serves it, it gets nothing, or there is no stream at all.
Answer = bytes | Callable[[trio.abc.Stream], Awaitable[None]] | Silence | OSError | None


def http(status: int, body: str = "", **headers: str) -> bytes:
    """An HTTP response; `Retry_After="3"` is a header."""
    lines = [f"HTTP/1.1 {status} No", f"Content-Length: {len(body.encode())}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


@attrs.frozen
class Attempt:
    """Somebody opened a connection: when, and to what."""

    time: float
    host: str
    port: int


class Switchboard:
    """A handler that notes every call it is given, and holds it until it is cancelled.

    Attributes:
      calls: every call that came, in order.
      held: how many are held now.
    """

    def __init__(self) -> None:
        self.calls: list[ActiveCall] = []
        self.held = 0
        self._came = trio.open_memory_channel[ActiveCall](10_000)

    async def __call__(self, call: ActiveCall) -> None:
        self.calls.append(call)
        self._came[0].send_nowait(call)
        self.held += 1
        try:
            with call.cancel_on_hangup():
                await trio.sleep_forever()
        finally:
            self.held -= 1

    async def next_call(self) -> ActiveCall:
        with trio.fail_after(100):
            return await self._came[1].receive()


MemoryStream = trio.StapledStream[trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream]


class FakeExchange:
    """Answers connections, and hands those that it accepts to the test.

    Args:
      nursery: what it serves connections in.
      wire: which generation it speaks.

    Attributes:
      answers: for the next connections, in order; those beyond are accepted.
      attempts: every connection that was opened, to any host.
      requests: the path and headers of every accepted handshake.
      asked: what came first over every connection that got bytes for an answer.
      sdk_ends: the SDK's ends of the two newest connections; others are not kept in memory.
      medias: every media connection that was accepted.
      command_came: where to wait for the next command on any of them.
      accepting: what handshakes wait for; set unless a test takes another one.
      delay: how many seconds it takes until there is a stream.
      finishes_setup: whether control connections are set up without the test's doing.
      media_words: makes what says everything on a media connection, for the next ones.
      ssl_context: with which connections speak TLS, if not None.
      greeting: frames that go out in the same breath as ``setup.done``, once.
      words: how everything is said on control connections.
    """

    def __init__(self, nursery: trio.Nursery, wire: WireName = "first") -> None:
        self.answers: deque[Answer] = deque()
        self.attempts: list[Attempt] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.asked: list[bytes] = []
        self.sdk_ends: deque[MemoryStream] = deque(maxlen=2)
        self.medias: list[MediaEnd] = []
        self.command_came = trio.lowlevel.ParkingLot()
        self.accepting = trio.Event()
        self.accepting.set()
        self.delay = 0.0
        self.finishes_setup = True
        self.media_words: Callable[[], MediaWords] = MEDIA_WORDS[wire]
        self.ssl_context: ssl.SSLContext | None = None
        self.greeting: list[Message | str] = []
        self.words: ControlWords = CONTROL_WORDS[wire]()
        self._nursery = nursery
        self._wire = wire
        self._controls = trio.open_memory_channel[ControlEnd](1000)
        self._medias = trio.open_memory_channel[MediaEnd](math.inf)

    def config(self, **settings: Any) -> ClientConfig:
        return ClientConfig(
            **{
                "api_key": API_KEY,
                "connector_uuid": CONNECTOR_UUID,
                "base_url": "ws://exchange",
                "wire": self._wire,
                "open_stream": self._open_stream,
                **settings,
            }
        )

    @asynccontextmanager
    async def open_client(
        self, **settings: Any
    ) -> AsyncIterator[tuple[CallClient, ControlEnd, Switchboard]]:
        """A client that serves its calls with a switchboard, once it is connected."""
        switchboard = Switchboard()
        async with open_call_client(self.config(**settings)) as client:
            client.on(events.INCOMING_CALL)(switchboard)
            yield client, await self.control(), switchboard

    @asynccontextmanager
    async def open_client_where_it_rings(
        self,
    ) -> AsyncIterator[tuple[ActiveCall, ControlEnd, Switchboard]]:
        """A client in whose handler the call of a session ``s`` rings."""
        async with self.open_client() as (_, control, switchboard):
            await control.ring("s")
            yield await switchboard.next_call(), control, switchboard

    async def control(self, *, patience: float = 100) -> ControlEnd:
        """Wait for the next control connection."""
        return await _next(self._controls[1], patience)

    async def media(self, *, patience: float = 100) -> MediaEnd:
        """Wait for the next media connection."""
        return await _next(self._medias[1], patience)

    async def answer(self, call: ActiveCall) -> MediaEnd:
        """Let an application answer a call, and do it. Returns the call's media connection."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call.answer)
            media = await self.media()
            await media.accept("call.answer")
        return media

    def tear_sender(self, trouble: Exception) -> None:
        """Let the SDK's next write on the newest connection, and all after it, raise this."""

        async def raise_it() -> None:
            raise trouble

        self.sdk_ends[-1].send_stream.send_all_hook = raise_it

    async def _open_stream(self, host: str, port: int) -> trio.abc.Stream:
        self.attempts.append(Attempt(trio.current_time(), host, port))
        await trio.sleep(self.delay)
        answer = self.answers.popleft() if self.answers else None
        if isinstance(answer, OSError):
            raise answer
        sdk_end, exchange_end = trio.testing.memory_stream_pair()
        self.sdk_ends.append(sdk_end)
        self._nursery.start_soon(self.serve, exchange_end, answer)
        return sdk_end

    async def serve(self, stream: trio.abc.Stream, answer: Answer = None) -> None:
        """Serve one connection, however it came about."""
        if self.ssl_context is not None:
            stream = trio.SSLStream(
                stream, self.ssl_context, server_side=True, https_compatible=True
            )
        try:
            match answer:
                case None:
                    await self._accept(Wire(stream))
                case bytes():
                    self.asked.append(bytes(await stream.receive_some()))
                    await stream.send_all(answer)
                case Silence():
                    while await stream.receive_some():
                        pass
                case _ if callable(answer):
                    await answer(stream)
        except trio.BrokenResourceError:
            pass  # the SDK hung up
        finally:
            await trio.aclose_forcefully(stream)

    async def _accept(self, wire: Wire) -> None:
        await self.accepting.wait()
        async with trio.open_nursery() as nursery:
            with suppress(WebSocketError):
                request, websocket = await accept_websocket(
                    nursery, wire, lambda request: None, within_seconds=10
                )
                self.requests.append((request.path, dict(request.headers)))
                if request.path.endswith(CONTROL_PATH):
                    nursery.start_soon(
                        self._greet, control := ControlEnd(websocket, wire, self.words)
                    )
                    await control.read()
                else:
                    authorization = request.headers.get("authorization", "")
                    words = self.media_words()
                    media = MediaEnd(websocket, wire, authorization, words, self.command_came)
                    await media.begin()
                    self.medias.append(media)
                    self._medias[0].send_nowait(media)
                    await media.read()

    async def _greet(self, control: ControlEnd) -> None:
        with suppress(WebSocketClosed, trio.BrokenResourceError, trio.EndOfChannel):
            if self.finishes_setup:
                greeting, self.greeting = self.greeting, []
                await control.finish_setup(*greeting)
            self._controls[0].send_nowait(control)


async def _next(ends: trio.MemoryReceiveChannel[_EndT], patience: float) -> _EndT:
    with trio.fail_after(patience):
        return await ends.receive()


@asynccontextmanager
async def open_exchange(wire: WireName = "first") -> AsyncIterator[FakeExchange]:
    async with trio.open_nursery() as nursery:
        yield FakeExchange(nursery, wire)
        nursery.cancel_scope.cancel()
