"""What is sent on a connection that is over, before the reader has noticed."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from trio_calls.audio_format import AudioMode
from trio_calls.call.checkpoint_credit import CheckpointCredit
from trio_calls.call.media_writer import MediaWriter
from trio_calls.transport import WebSocket, WebSocketClosed
from trio_calls.wire.first.media_wire import FirstMedia
from trio_calls.wire.media_wire import Credit
from trio_calls.wire.outgoing_audio import OutgoingAudio

pytestmark = pytest.mark.pure

SPEECH = bytes(960)


class LostWebSocket(WebSocket):
    """A connection that is over.

    Attributes:
      attempts: how often something was to be sent.
    """

    def __init__(self) -> None:
        self.attempts = 0

    async def send(self, *messages: str | bytes) -> None:
        self.attempts += 1
        raise WebSocketClosed

    def send_nowait(self, *messages: str | bytes) -> bool:
        self.attempts += 1
        raise WebSocketClosed

    async def receive_batch(self) -> list[str | bytes]:
        raise WebSocketClosed

    async def ping(self) -> None:
        raise WebSocketClosed

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        await trio.lowlevel.checkpoint()


async def test_audio_for_a_lost_connection_is_not_taken_for_sent() -> None:
    audio, websocket, over = OutgoingAudio(2**20), LostWebSocket(), trio.Event()
    audio.grant(Credit(2**16, 960))
    writer = MediaWriter(audio, FirstMedia(AudioMode.MIXED), 48_000, CheckpointCredit(), over)
    writer.open(websocket)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run, websocket)
        await trio.testing.wait_all_tasks_blocked()
        await writer.send_audio(SPEECH)
        await writer.send_audio(SPEECH)
        writer.send_command("command")
        assert websocket.attempts == 1
        async with trio.open_nursery() as waiting:
            waiting.start_soon(writer.wait_audio_sent)
            await trio.testing.wait_all_tasks_blocked()
            with writer.clearing():
                await trio.testing.wait_all_tasks_blocked()
            assert waiting.child_tasks
            over.set()
            writer.end()
        nursery.cancel_scope.cancel()


async def test_a_connection_that_is_over_takes_no_command() -> None:
    websocket = LostWebSocket()
    writer = MediaWriter(
        OutgoingAudio(2**20),
        FirstMedia(AudioMode.MIXED),
        48_000,
        CheckpointCredit(),
        trio.Event(),
    )
    writer.open(websocket)
    writer.send_command("one")
    writer.send_command("two")
    assert websocket.attempts == 1
