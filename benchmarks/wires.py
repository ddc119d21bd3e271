"""What 20 ms of a call cost on each wire, by themselves: ``python -m benchmarks.wires``.

A word of the exchange and a frame of audio are taken in, and the frame is sent back: without Trio's
scheduler and without sockets, which are the same for both wires. The wires take turns, for some
tenths of a millisecond each, and what counts is the fastest twentieth of the turns. So it tells a
difference of two percent on a machine that has other things to do.

It finds everything in the processor's caches, which a process that sleeps between frames does not:
there, it takes about four times as long.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Final

import click
import trio

from benchmarks.exchange.wires import WireName
from trio_calls.audio_format import AudioFormat
from trio_calls.call.checkpoint_credit import CheckpointCredit
from trio_calls.call.media_connection import MediaConnection
from trio_calls.call.media_writer import MediaWriter
from trio_calls.call.received_audio import ReceivedAudio
from trio_calls.transport import WebSocket
from trio_calls.wire.call_protocol import CallProtocol
from trio_calls.wire.codec import encode
from trio_calls.wire.first.media import BufferRequest, pack_audio
from trio_calls.wire.generations import media_wire
from trio_calls.wire.second.audio_writer import AudioWriter
from trio_calls.wire.second.media import Config, Flow

_FORMAT: Final = AudioFormat(16000)
_FRAME_MS: Final = 20
_SPEECH: Final = b"\1\2" * (_FORMAT.frame_bytes // 2)
_WIRES: Final[tuple[WireName, ...]] = ("first", "second")

#: How much the agent may send before it is told anything.
_AHEAD: Final = 6
_FRAMES_A_TURN: Final = 50
_TWENTIETHS: Final = 20


class Nowhere(WebSocket):
    """A connection that takes all there is to send, at once.

    Attributes:
      sent_messages: how many it has taken.
    """

    def __init__(self) -> None:
        self.sent_messages: int = 0

    def send_nowait(self, *messages: str | bytes) -> bool:
        self.sent_messages += len(messages)
        return True

    async def send(self, *messages: str | bytes) -> None:
        raise AssertionError("there is never anything left to send")

    async def receive_batch(self) -> list[str | bytes]:
        raise AssertionError("nothing comes on a connection to nowhere")

    async def ping(self) -> None:
        raise AssertionError("nobody answers there")

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        await trio.lowlevel.checkpoint()


class Agent:
    """One call's end of a wire, and what the exchange says to it.

    Attributes:
      websocket: where it sends its audio.
    """

    def __init__(self, wire: WireName) -> None:
        over, credit = trio.Event(), CheckpointCredit()
        protocol = CallProtocol(media_wire(wire, _FORMAT), 2**16, _FORMAT.frame_bytes)
        received = ReceivedAudio(2**10, credit, over)
        self.websocket = Nowhere()
        self._writer = MediaWriter(
            protocol.audio, protocol.wire, _FORMAT.bytes_per_second, credit, over
        )
        self._writer.open(self.websocket)
        connection = MediaConnection(
            protocol, received, self._writer, lambda event: None, lambda closed: None
        )
        self._receive = connection._receive
        self._stream = received.subscribe()
        self._batches = first_wire() if wire == "first" else second_wire()
        self._receive(next(self._batches))

    def turn(self) -> float:
        """Take in some frames, and send as many. Returns how long one took, in µs."""
        batches = [next(self._batches) for _ in range(_FRAMES_A_TURN)]
        began = time.perf_counter_ns()
        for batch in batches:
            self._receive(batch)
            self._writer.send_audio_nowait(_SPEECH)
        return (time.perf_counter_ns() - began) / _FRAMES_A_TURN / 1000


def first_wire() -> Iterator[list[str | bytes]]:
    """What the exchange says, each 20 ms; at first, what is allowed before that."""
    frame_bytes = _FORMAT.frame_bytes
    yield [encode(BufferRequest(_AHEAD * frame_bytes, frame_bytes))]
    while True:
        yield [encode(BufferRequest(frame_bytes, frame_bytes)), pack_audio(0, _SPEECH)]


def second_wire() -> Iterator[list[str | bytes]]:
    """The same on the second wire, where what is played is told as well."""
    writer, window_ms, drained_ms = AudioWriter(_FORMAT.sample_rate), _AHEAD * _FRAME_MS, 0
    yield [encode(Config(_FRAME_MS)), encode(Flow(0, 0, window_ms))]
    while True:
        yield [encode(Flow(0, drained_ms, window_ms + _FRAME_MS)), writer.write(_SPEECH)]
        drained_ms += _FRAME_MS


async def measure(turns: int) -> dict[WireName, float]:
    """Let the wires take turns. Returns how long a frame takes on each, in µs."""
    agents = {wire: Agent(wire) for wire in _WIRES}
    figures: dict[WireName, list[float]] = {wire: [] for wire in _WIRES}
    for number in range(turns):
        for wire in _WIRES[:: -1 if number % 2 else 1]:
            figures[wire].append(agents[wire].turn())
    for wire, agent in agents.items():
        assert agent.websocket.sent_messages == turns * _FRAMES_A_TURN, wire
    return {wire: statistics.quantiles(own, n=_TWENTIETHS)[0] for wire, own in figures.items()}


@click.command()
@click.option("--turns", type=click.IntRange(min=_TWENTIETHS), default=3000, show_default=True)
def main(turns: int) -> None:
    """Compare the two wires, without the scheduler and sockets that are the same for both."""
    figures = trio.run(measure, turns)
    first, second = (figures[wire] for wire in _WIRES)
    click.echo(f"first: {first:.2f} µs a frame; second: {second:.2f}, {second - first:.2f} more")


if __name__ == "__main__":
    main()
