"""An exchange and its model, side by side: each step is done to both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import count

import attrs
import numpy as np
import trio
from trio.testing import wait_all_tasks_blocked

from tests.support.exchange_model import (
    AGENT,
    CALLEE,
    CALLER,
    CallModel,
    ExchangeModel,
    MediaModel,
    SdkModel,
    Told,
)
from trio_calls.audio import frame_bytes, to_pcm
from trio_calls.audio_format import AudioFormat, AudioMode
from trio_calls.simulator import SimulatedCall, answers, declines
from trio_calls.simulator._placed_calls import PlacedCalls
from trio_calls.simulator.exchange.commands import execute
from trio_calls.simulator.exchange.exchange import Exchange
from trio_calls.simulator.exchange.first_control import FirstSdk
from trio_calls.simulator.exchange.second_control import SecondSdk
from trio_calls.simulator.exchange.sessions import Session
from trio_calls.wire.commands import CallEvent, CommandRequest, CommandResponse, RingTime
from trio_calls.wire.first.codec import decode_media
from trio_calls.wire.first.control import CallIn, SessionClosed, SessionNotify
from trio_calls.wire.first.media import BufferRequest
from trio_calls.wire.message import Message
from trio_calls.wire.responses import Response
from trio_calls.wire.second.audio_frame import unpack_frame
from trio_calls.wire.second.audio_writer import AudioWriter
from trio_calls.wire.second.codec import decode_media as decode_second_media
from trio_calls.wire.second.control import CallNotify, SessionClaim, SessionOpen
from trio_calls.wire.second.media import Config, Flow

CALLEE_NUMBER = "+2"

SAMPLE_RATE = 8000
BYTES_PER_MS = 16
FRAME = frame_bytes(SAMPLE_RATE)


def voice(number: int, byte_count: int) -> bytes:
    return to_pcm(np.full(byte_count // 2, number, dtype=np.int16))


def voices_in(pcm: bytes | bytearray) -> list[int]:
    """Whose voices are in each frame: their sum, which is the same throughout the frame."""
    frames = np.frombuffer(pcm, dtype="<i2").reshape(-1, FRAME // 2)
    assert (frames == frames[:, :1]).all()
    return [int(frame[0]) for frame in frames]


class Sdk:
    """The real end of a control connection, and its model."""

    def __init__(
        self, number: int, is_second: bool, is_isolated: bool, tokens: dict[str, list[str]]
    ) -> None:
        self.model = SdkModel(number, is_second, is_isolated)
        self.messages: list[Message | tuple[object, ...]] = []
        self._tokens = tokens
        mode = AudioMode.ISOLATED if is_isolated else AudioMode.MIXED
        audio_format = AudioFormat(SAMPLE_RATE, mode)
        kind = SecondSdk if is_second else FirstSdk
        self.connected = kind(str(number), audio_format, self._receive)

    def _receive(self, message: Message) -> None:
        self.messages.append(message)
        if isinstance(message, CallIn):
            self._tokens[message.session_id].append(message.token)

    def claim(self, exchange: Exchange, call: Call) -> None:
        """Claim a call, as is done on the SDK's wire."""
        session_id = call.session.call.session_id
        if not self.model.is_second:
            response = exchange.open_session("request", session_id, self.connected)
            self.messages.append(response)
            return
        name = self.connected.connection_id
        assert exchange.second.open_session(SessionOpen("request", name, CALLEE_NUMBER)).is_ok
        claim = SessionClaim("request", name, call.simulated.call_id)
        response = exchange.second.claim(claim, self.connected)
        if response.is_ok:
            self._tokens[session_id].append(response.content["token"])
        self.messages.append(("claimed", call.model.number) if response.is_ok else response)

    def told(self, numbers: dict[str, int]) -> Told:
        return [
            message if isinstance(message, tuple) else in_short(message, numbers)
            for message in self.messages
        ]


def in_short(message: Message, numbers: dict[str, int]) -> tuple[object, ...]:
    match message:
        case CallNotify(call_id=call_id):
            return ("offer", numbers[call_id])
        case SessionNotify(session_id=session_id, activity="NEW_INCOMING_CALL"):
            return ("offer", numbers[session_id])
        case Response(is_ok=True, content={"session": {"id": session_id}}):
            return ("claimed", numbers[session_id])
        case Response(error_code=error_code) as response:
            return ("refused", error_code, response.holder)
        case CallIn(session_id=session_id):
            return ("call", numbers[session_id])
        case SessionClosed(session_id=session_id, reason=reason):
            return ("closed", numbers[session_id], reason)
    raise AssertionError(f"unexpected: {message}")


class Agent:
    """The real end of a media connection, and its model: it talks as much as it is asked to."""

    def __init__(self, call: Call) -> None:
        self.model = MediaModel()
        self.told: Told = []
        self.heard: dict[int, bytearray] = {}
        self.call = call
        self.is_closed = False
        self.is_lost = False
        self._ear = SecondEar() if call.model.is_second else None

    def begin(self) -> None:
        """Become the media connection of the call."""
        leg = self.call.session.call.agent
        self.send(*leg.wire.begin())
        leg.socket = self

    def send(self, *frames: str | bytes) -> None:
        assert not self.is_closed
        for frame in frames:
            self._take(frame)

    def _take(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            pcm = frame[1:] if self._ear is None else self._ear.hear(frame)
            self.heard.setdefault(frame[0], bytearray()).extend(pcm)
            return
        match decode_media(frame) if self._ear is None else decode_second_media(frame):
            case (Config() | Flow()) as account:
                assert self._ear is not None
                for message in self._ear.speak(account):
                    self.call.session.call.agent.wire.take(message)
            case BufferRequest(requested_bytes=requested):
                self.call.session.call.agent.buffer.put(voice(AGENT, requested))
            case CommandResponse(success=True) as response:
                self.told.append(("done", response.command_id))
            case CommandResponse() as response:
                self.told.append(("refused", response.command_id, response.error_code))
            case CallEvent(event=event):
                self.told.append(("event", event))
            case message:
                raise AssertionError(f"unexpected: {message}")

    def close(self) -> None:
        self.told.append(("closed",))
        self.is_closed = True


class SecondEar:
    """What an agent of the second wire keeps account of. It says all that it may."""

    def __init__(self) -> None:
        self._writer = AudioWriter(SAMPLE_RATE)
        self._frame_ms = 0
        self._drained_ms = 0
        # Of each track: how many frames came, and how many milliseconds of audio.
        self._heard: dict[int, tuple[int, int]] = {}

    def hear(self, message: bytes) -> bytes:
        """Return the PCM of a message, which must be the next one of its track."""
        frame = unpack_frame(message)
        count, heard_ms = self._heard.get(frame.track, (0, 0))
        assert (frame.sequence, frame.clock_ms) == (count, heard_ms)
        self._heard[frame.track] = count + 1, heard_ms + len(frame.pcm) // BYTES_PER_MS
        return frame.pcm

    def speak(self, account: Config | Flow) -> Iterable[bytes]:
        """Return the messages that may go out now."""
        if isinstance(account, Config):
            assert not self._frame_ms, "it is said once how long frames are to be"
            self._frame_ms = account.frame_ms
            return ()
        sent_ms = self._writer.sent_bytes // BYTES_PER_MS
        assert self._drained_ms <= account.drained_ms <= sent_ms
        self._drained_ms = account.drained_ms
        allowed_ms = account.drained_ms + account.window_ms
        assert allowed_ms >= sent_ms, "what was allowed once stays allowed"
        frame, tail = divmod(allowed_ms - sent_ms, self._frame_ms)
        lengths = [self._frame_ms] * frame + [tail] * bool(tail)
        return [self._writer.write(voice(AGENT, each * BYTES_PER_MS)) for each in lengths]


@attrs.frozen(eq=False)
class Call:
    """A real call, and its model."""

    simulated: SimulatedCall
    session: Session
    model: CallModel


class World:
    """Does steps, each to the exchange and to the model. What there is none of is left alone."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.exchange = Exchange(
            base_url="ws://simulator", sample_rate=SAMPLE_RATE, nursery=nursery
        )
        self.placed_calls = PlacedCalls(self.exchange)
        self.model = ExchangeModel()
        self.tokens: dict[str, list[str]] = defaultdict(list)
        self.sdks: list[Sdk] = []
        self.agents: list[Agent] = []
        self.calls: list[Call] = []
        self.names = (str(number) for number in count())

    def connect_sdk(self, is_second: bool, is_isolated: bool) -> None:
        sdk = Sdk(int(next(self.names)), is_second, is_isolated, self.tokens)
        self.sdks.append(sdk)
        self.exchange.sdk_connected(sdk.connected)
        self.model.sdk_connects(sdk.model)

    def lose_sdk(self, sdk: int) -> None:
        if self.sdks:
            lost = self.sdks.pop(sdk % len(self.sdks))
            self.exchange.sdk_lost(lost.connected)
            self.model.sdk_is_lost(lost.model)

    def place_call(self, pickup: tuple[float, bool]) -> None:
        after_seconds, picks_up = pickup
        simulated = self.placed_calls.place(
            caller="+1",
            callee=CALLEE_NUMBER,
            pickup=(answers if picks_up else declines)(after_seconds=after_seconds),
        )
        session = self.exchange.find_session(simulated.call_id)
        assert session is not None
        model = CallModel(len(self.calls), after_seconds, picks_up)
        self.calls.append(Call(simulated, session, model))
        self.model.calls.append(model)
        self.model.offer(model)

    def claim(self, sdk: int, call: int) -> None:
        if self.sdks and self.calls:
            claimant, claimed = self.sdks[sdk % len(self.sdks)], self.calls[call % len(self.calls)]
            claimant.claim(self.exchange, claimed)
            self.model.claim(claimant.model, claimed.model)

    def ready(self, sdk: int, call: int) -> None:
        """Ask for a call that was claimed. On the second wire, there is no word for it."""
        sdks = [sdk for sdk in self.sdks if not sdk.model.is_second]
        if sdks and self.calls:
            claimant, claimed = sdks[sdk % len(sdks)], self.calls[call % len(self.calls)]
            session_id = claimed.session.call.session_id
            is_held = self.exchange.session_ready(session_id, claimant.connected)
            assert is_held is self.model.ready(claimant.model, claimed.model)

    def open_media(self, call: int, back: int) -> None:
        """With the last token that anybody was given for the call, or with one before."""
        if not self.calls:
            return
        opened = self.calls[call % len(self.calls)]
        tokens = self.tokens[opened.session.call.session_id]
        token = tokens[-1 - back] if back < len(tokens) else "made up"
        session = self.exchange.find_session(opened.simulated.call_id)
        assert (session is None) is opened.model.is_closed
        is_admitted = session is not None and session.admits(f"Bearer {token}")
        is_good = opened.model.has_token and back == 0
        assert is_admitted is (is_good and not opened.model.is_closed)
        if is_admitted and opened.session.call.agent.socket is None:
            agent = Agent(opened)
            self.agents.append(agent)
            agent.begin()
            opened.model.media = agent.model

    def replace_media(self, call: int) -> None:
        """Open another one while there is one, in an exchange that lets it take its place."""
        if not self.calls:
            return
        replaced = self.calls[call % len(self.calls)]
        if replaced.model.media is not None:
            agent = Agent(replaced)
            self.agents.append(agent)
            replaced.session.call.replace_media_connection()
            agent.begin()
            replaced.model.replace_media(agent.model)

    def take_call(self, sdk: int, call: int) -> None:
        """All of it at once, as SDKs do; step by step it seldom comes to that."""
        self.claim(sdk, call)
        self.ready(sdk, call)
        self.open_media(call, 0)

    def lose_media(self, agent: int) -> None:
        """Each is lost once; also those that the exchange has closed."""
        open_agents = [agent for agent in self.agents if not agent.is_lost]
        if open_agents:
            lost = open_agents[agent % len(open_agents)]
            lost.is_lost = True
            self.exchange.media_connection_lost(lost.call.session, lost)
            if lost.call.model.media is lost.model and lost.call.model.lose_media():
                self.model.offer(lost.call.model)

    def command(self, call: int, command: str, ring_seconds: int) -> None:
        if not self.calls:
            return
        commanded = self.calls[call % len(self.calls)]
        if commanded.model.media is not None:
            command_id = next(self.names)
            data = RingTime(ring_seconds) if command in {"call.connect", "call.dial"} else None
            execute(commanded.session.call, CommandRequest(command_id, command, 10_000, data))
            commanded.model.command(command, command_id, ring_seconds, trio.current_time())

    def hang_up_caller(self, call: int) -> None:
        if self.calls:
            self.calls[call % len(self.calls)].simulated.caller.hang_up()
            self.calls[call % len(self.calls)].model.end()

    def hang_up_callee(self, call: int) -> None:
        if self.calls:
            self.calls[call % len(self.calls)].simulated.callee.hang_up()
            self.calls[call % len(self.calls)].model.hang_up_callee()

    async def let_time_pass(self, seconds: float) -> None:
        for call in self.calls:
            if not call.model.is_over:
                more = round((seconds + 1) * SAMPLE_RATE) * 2
                call.simulated.caller.say_nowait(voice(CALLER, more))
                call.simulated.callee.say_nowait(voice(CALLEE, more))
        await trio.sleep(seconds)

    async def do(self, name: str, *arguments: object) -> None:
        """Do the step of this name, and check that both have come to the same."""
        self.model.now = trio.current_time()
        step = getattr(self, name)(*arguments)
        if step is not None:
            await step
        await wait_all_tasks_blocked()
        self.model.run_until(trio.current_time())
        self.check()

    def check(self) -> None:
        numbers = {
            name: call.model.number
            for call in self.calls
            for name in (call.session.call.session_id, call.simulated.call_id)
        }
        for sdk in self.sdks:
            assert sdk.told(numbers) == sdk.model.told
        for agent in self.agents:
            assert agent.told == agent.model.told
            heard = {channel: voices_in(pcm) for channel, pcm in agent.heard.items()}
            assert heard == agent.model.heard
        for call in self.calls:
            believers = [
                sdk
                for sdk in self.sdks
                # Those of the second wire hear of no end.
                if not sdk.model.is_second and call.model.number in sdk.model.believes_to_hold
            ]
            assert len(believers) <= 1
            self._check_call(call.simulated, call.session, call.model)

    def _check_call(self, call: SimulatedCall, session: Session, model: CallModel) -> None:
        assert [state.name for state in call.agent_states] == model.states
        assert (call.agent_mode.name if call.agent_mode else None) == model.mode
        assert (call.caller.state.name, call.callee.state.name) == (model.caller, model.callee)
        assert call.ended is model.is_over
        assert session.is_closed is model.is_closed
        assert session.call.is_ringing is (model.ringing is not None)
        assert session.call.is_being_left is (model.leaving is not None)
        assert (session.call.agent.socket is None) is (model.media is None)
        holder = session.holder.connection_id if session.holder else None
        assert holder == (str(model.holder.number) if model.holder else None)
        assert voices_in(call.caller.heard) == model.caller_heard
        assert voices_in(call.callee.heard) == model.callee_heard
