"""The benchmark's exchange on the second wire: understood by the SDK, and as fair as the first."""

import json
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar, cast

import pytest
import trio
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from benchmarks.exchange.call import ExchangeCall
from benchmarks.exchange.connection import Connection
from benchmarks.exchange.control import ControlPeer
from benchmarks.exchange.frames import MARK, StampedAudio
from benchmarks.exchange.second.call import SecondCall
from benchmarks.exchange.second.control import SecondControlPeer
from benchmarks.exchange.second.frames import FramedAudio
from benchmarks.exchange.wires import WireName
from benchmarks.figures import Comparison, Results
from benchmarks.targets import judge
from benchmarks.wires import measure
from trio_calls.audio_format import AudioFormat
from trio_calls.state import Command
from trio_calls.wire.codec import encode
from trio_calls.wire.control_wire import News, Offered, RingingCall
from trio_calls.wire.generations import media_wire
from trio_calls.wire.media_wire import AudioReceived, Credit
from trio_calls.wire.message import Message
from trio_calls.wire.responses import Response, SetupDone
from trio_calls.wire.second.control_wire import SecondControl

pytestmark = pytest.mark.pure

T = TypeVar("T")

FORMAT = AudioFormat(16000)
FRAME_BYTES = 640


def run(steps: Coroutine[Any, Any, T] | Generator[Any, Any, T]) -> T:
    """Run what never really waits."""
    try:
        steps.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("it waits for something")


class Line:
    """A connection that is up: what the exchange sends is read as a client would."""

    def __init__(self) -> None:
        self._reader = StreamReader()

    def send(self, frames: bytes) -> None:
        self._reader.feed_data(frames)

    def messages(self) -> list[str | bytes]:
        """Return what has come since the last time."""
        messages: list[str | bytes] = []
        while self._reader.buffer:
            frame = run(Frame.parse(self._reader.read_exact, mask=False))
            data = bytes(frame.data)
            messages.append(data.decode() if frame.opcode is Opcode.TEXT else data)
        return messages


class Talk:
    """A call of the benchmark with an agent that echoes.

    Attributes:
      call: at the exchange.
      credits: what the agent was granted, in order.
      audio: the size of every frame that it heard, and its number.
    """

    def __init__(self, wire: WireName) -> None:
        self.call: ExchangeCall = (
            ExchangeCall(0, StampedAudio(FORMAT.sample_rate))
            if wire == "first"
            else SecondCall(0, FramedAudio(FORMAT.sample_rate))
        )
        self.credits: list[Credit] = []
        self.audio: list[tuple[int, int]] = []
        self._line = Line()
        self._agent = media_wire(wire, FORMAT)
        # Each word is looked at here.
        self._agent.follow()
        self.call.opened_by(cast(Connection, self._line))

    def answer(self) -> None:
        self.call.receive_text(json.loads(self._agent.command("1", Command.ANSWER, 1000, None)))
        self.echo()

    def send(self, requested_frames: int) -> None:
        self.call.send_frame(requested_frames)
        self.echo()

    def echo(self) -> None:
        for message in self._line.messages():
            heard = self._agent.read(message)
            if isinstance(heard, Credit) and heard.requested_bytes:
                self.credits.append(heard)
            elif isinstance(heard, AudioReceived):
                assert heard.pcm.startswith(MARK)
                self.audio.append((len(heard.pcm), int.from_bytes(heard.pcm[4:8], "little")))
                self.call.receive_audio(self._agent.pack(heard.pcm))


def talk(wire: WireName, frames_per_request: int, frames: int = 10) -> Talk:
    """Have a call answered, and frames echoed."""
    conversation = Talk(wire)
    conversation.answer()
    for number in range(frames):
        is_due = number % frames_per_request == 0
        conversation.send(frames_per_request if is_due else 0)
    return conversation


@pytest.mark.parametrize("frames_per_request", [1, 5])
def test_both_wires_grant_and_say_the_same(frames_per_request: int) -> None:
    first, second = (talk(wire, frames_per_request) for wire in ("first", "second"))
    granted, as_granted = (
        [(each.requested_bytes, each.frame_bytes) for each in one.credits]
        for one in (first, second)
    )
    assert granted == as_granted
    assert first.audio == second.audio == [(FRAME_BYTES, number) for number in range(11)]


@pytest.mark.parametrize("frames_per_request", [1, 5])
def test_an_echo_of_the_second_wire_is_counted(frames_per_request: int) -> None:
    call = talk("second", frames_per_request).call
    assert call.talking.is_set()
    assert (call.echo.returned_frames, call.echo.missing_bytes) == (11, 0)
    assert (call.echo.foreign_bytes, call.overdrawn_bytes) == (0, 0)


def test_what_was_echoed_has_been_played() -> None:
    played = [credit.played_bytes for credit in talk("second", 1, frames=3).credits]
    assert played == [0, 0, FRAME_BYTES, 2 * FRAME_BYTES, 3 * FRAME_BYTES]


def test_what_was_not_granted_is_counted() -> None:
    conversation = talk("second", 1, frames=0)
    # Six frames were, and one of them has come back.
    conversation.call.receive_audio(bytes(8 + 7 * FRAME_BYTES))
    assert conversation.call.overdrawn_bytes == 2 * FRAME_BYTES


class ControlLine:
    """A control connection to the exchange, and the SDK's end of it."""

    def __init__(self, calls: dict[str, ExchangeCall]) -> None:
        self.heard: list[News] = []
        self.wire = SecondControl()
        self.ready: list[ControlPeer] = []
        self._line = Line()
        self.peer = SecondControlPeer(
            cast(Connection, self._line),
            calls,
            "ws://exchange/media",
            on_ready=self.ready.append,
            on_lost=self.ready.remove,
        )

    def read(self) -> News | Response | SetupDone | None:
        (message,) = self._line.messages()
        assert isinstance(message, str)
        return self.wire.read(message)

    def send(self, message: Message) -> None:
        self.peer.receive_text(json.loads(encode(message)))

    def hear(self, news: News) -> None:
        self.heard.append(news)

    def is_granted(self, response: Response) -> bool:
        return response.is_ok

    async def request(self, make_request: Callable[[str], Message]) -> Response:
        self.send(make_request("request"))
        response = self.read()
        assert isinstance(response, Response)
        assert response.request_id == "request"
        return response


def test_a_call_is_offered_and_claimed_on_the_second_wire() -> None:
    call = ExchangeCall(7, FramedAudio(FORMAT.sample_rate))
    line = ControlLine({"session-7": call})
    line.send(line.wire.setup(FORMAT))
    assert isinstance(line.read(), SetupDone)
    assert line.ready == [line.peer]

    line.peer.offer(["session-7"])
    offer = line.read()
    assert isinstance(offer, Offered)
    assert offer.offers_call
    assert run(line.wire.claim(line, offer.session_id)).is_ok
    assert call.claimed_by is line.peer
    (ringing,) = line.heard
    assert isinstance(ringing, RingingCall)
    assert ringing.url == "ws://exchange/media/7"
    # Nobody has it a second time.
    assert run(line.wire.claim(line, offer.session_id)).error_code == "CALL_NOT_FOUND"


@pytest.mark.parametrize(("second_ms", "word"), [(2.08, "pass"), (2.2, "MISS")])
def test_the_second_wire_is_held_against_the_first(second_ms: float, word: str) -> None:
    results = Results.begin(rounds=1, window_seconds=1)
    results.comparisons = [
        Comparison(50, 20, is_tls=False, cpu_ms={"fast": 2.0 * pace, "second": second_ms * pace})
        for pace in (1, 1.5, 0.7)
    ]
    *_, verdict = judge(results)
    assert verdict.target.startswith("second, 50 calls, requests of 20 ms")
    assert verdict.word == word
    results.comparisons = []
    assert not [each for each in judge(results) if each.target.startswith("second")]


def test_every_frame_is_sent_on_both_wires() -> None:
    """Each is a message at once: otherwise something else would be compared."""
    figures = trio.run(measure, 20)
    assert set(figures) == {"first", "second"}
    assert all(microseconds > 0 for microseconds in figures.values())
