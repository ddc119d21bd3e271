"""`CallProtocol` against a plain model: any frames, in any order, between any commands."""

import json
import math
from collections import OrderedDict

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from tests.support.outgoing_audio_model import OutgoingAudioModel
from trio_calls.audio_format import AudioMode
from trio_calls.errors import (
    WSSCallCommandError,
    WSSCallCommandTimeoutError,
    WSSCallStateError,
)
from trio_calls.state import AgentMode, CallState, Command, Signal
from trio_calls.wire.call_protocol import (
    CallFault,
    CallProtocol,
    CommandDone,
    CommandFailed,
    CreditGranted,
    Event,
    Terminated,
)
from trio_calls.wire.first.media_wire import FirstMedia
from trio_calls.wire.media_wire import AudioReceived

pytestmark = pytest.mark.slow

ALLOWED = {
    "PENDING": {"ANSWER", "CONNECT", "CLOSE", "DISCONNECT"},
    "ANSWERED": {"CONNECT", "INTERRUPT", "CLOSE", "DISCONNECT"},
    "CONNECTED": {"BARGE", "WHISPER", "SPY", "INTERRUPT", "CLOSE", "DISCONNECT"},
    "DISCONNECTED": set(),
}
AFTER = {
    "ANSWER": "ANSWERED",
    "CONNECT": "CONNECTED",
    "CLOSE": "DISCONNECTED",
    "DISCONNECT": "DISCONNECTED",
}
NAMES = {
    "ANSWER": "call.answer",
    "CONNECT": "call.connect",
    "BARGE": "agent.barge",
    "WHISPER": "agent.whisper",
    "SPY": "agent.spy",
    "INTERRUPT": "agent.interrupt",
    "CLOSE": "call.close",
    "DISCONNECT": "call.disconnect",
}
CAPACITY = 4000
MOST_UNANSWERED = 64
MODE_AFTER = {"CONNECT": "BARGE", "BARGE": "BARGE", "WHISPER": "WHISPER", "SPY": "SPY"}

TEMPLATES = [
    '{"type":"buffer_request","data":{"requested_bytes":960,"channelId":0}}',
    '{"type":"command_response","data":{"command_id":"c","success":true}}',
    '{"type":"call_event","data":{"event":"call.terminated"}}',
    '{"type":"call_event","data":{"event":"call.error","error_code":"E"}}',
]
SENSELESS = ['{"type":"buffer_request","data":{"requested_bytes":true}}', "{", "[]", "", "null"]


class CallMachine(RuleBasedStateMachine):
    sent_ids: Bundle[str] = Bundle("sent_ids")

    @initialize(mode=st.sampled_from(AudioMode))
    def start(self, mode: AudioMode) -> None:
        self.call = CallProtocol(FirstMedia(mode), CAPACITY)
        self.audio_mode = mode
        self.state = "PENDING"
        self.agent_mode: str | None = None
        self.forgotten: str | None = None
        self.unanswered: OrderedDict[str, str] = OrderedDict()
        self.audio = OutgoingAudioModel(self.call.audio, CAPACITY)
        self.invalid = 0

    @rule(target=sent_ids, command=st.sampled_from(Command), ring_time=st.integers(1, 120))
    def send_command(self, command: Command, ring_time: int) -> str:
        seconds = ring_time if command is Command.CONNECT else None
        if command.name not in ALLOWED[self.state]:
            with pytest.raises(WSSCallStateError, match=self.state):
                self.call.start_command(command, ring_time_seconds=seconds)
            return "never sent"
        sent = self.call.start_command(command, ring_time_seconds=seconds)
        if len(self.unanswered) == MOST_UNANSWERED:
            self.forgotten, _ = self.unanswered.popitem(last=False)
        self.unanswered[sent.command_id] = command.name
        data = {
            "command_id": sent.command_id,
            "command": NAMES[command.name],
            "timeout_ms": 1000 * (seconds or 10),
        }
        if seconds is not None:
            data["data"] = {"ringTimeSeconds": seconds}
        assert json.loads(sent.frame) == {"type": "command", "data": data}
        assert sent.wait_seconds == (seconds or 10) + 5
        return sent.command_id

    @rule(command=st.sampled_from(Command), times=st.integers(60, 70))
    def send_command_many_times(self, command: Command, times: int) -> None:
        """More than are remembered: the oldest are forgotten, and only these."""
        for _ in range(times):
            self.send_command(command, 60)
        if self.forgotten is not None and command.name not in {"CLOSE", "DISCONNECT"}:
            self.respond(self.forgotten, True, None)
            self.respond_to_the_oldest(False, False)

    @rule(ring_time=st.sampled_from([0, -1, 0.9, 121, math.nan, math.inf, True]))
    def ring_for_too_long(self, ring_time: float) -> None:
        error = ValueError if "CONNECT" in ALLOWED[self.state] else WSSCallStateError
        with pytest.raises(error):
            self.call.start_command(Command.CONNECT, ring_time_seconds=ring_time)

    @rule(command_id=sent_ids, success=st.booleans(), code=st.sampled_from([None, "TIMEOUT", "X"]))
    def respond(self, command_id: str, success: bool, code: str | None) -> None:
        """Answers a command: for the first time, again, or after it was forgotten."""
        data = {"command_id": command_id, "success": success, "error_code": code}
        was_over = self.state == "DISCONNECTED"
        name = None if was_over else self.unanswered.get(command_id)
        event = self.receive(json.dumps({"type": "command_response", "data": data}))
        match event:
            case None:
                assert name is None
                self.invalid += not was_over
            case CommandDone(command=command):
                assert success
                assert command.name == name
            case CommandFailed(command=command, error=error):
                assert not success
                assert command.name == name
                if code == "TIMEOUT":
                    assert isinstance(error, WSSCallCommandTimeoutError)
                else:
                    assert isinstance(error, WSSCallCommandError)
                    assert error.error_code == (code or "UNKNOWN")
            case _:
                raise AssertionError(f"{event} is no answer to a command")

    @rule(success=st.booleans(), ends=st.sampled_from([False] * 4 + [True]))
    def respond_to_the_oldest(self, success: bool, ends: bool) -> None:
        """Gets further than at random, where most answers come too late. Says it twice."""
        command_id = next(iter(self.unanswered), None)
        leaves = command_id and self.unanswered[command_id] in {"CLOSE", "DISCONNECT"}
        if command_id is not None and (ends or not leaves):
            self.respond(command_id, success, None)
            self.respond(command_id, True, None)

    @rule(command_id=st.sampled_from(["", "c", "#0"]) | st.uuids().map(str))
    def respond_to_nothing(self, command_id: str) -> None:
        self.respond(command_id, True, None)

    @rule(requested=st.integers(1, 3000), frame=st.integers(1, 2000), channel=st.integers(0, 1))
    def request_audio(self, requested: int, frame: int, channel: int) -> None:
        data = {
            "requested_bytes": requested,
            "prefer_audio_frame_bytes": frame,
            "channelId": channel,
        }
        was_over = self.state == "DISCONNECTED"
        event = self.receive(json.dumps({"type": "buffer_request", "data": data}))
        assert (event is not None) is (not was_over and channel == 0)

    @rule(message=st.binary(max_size=9))
    def deliver_audio(self, message: bytes) -> None:
        is_audio = len(message) > 1 and len(message) % 2 == 1
        if self.audio_mode is AudioMode.MIXED:
            is_audio = is_audio and message[0] == 0
        was_over = self.state == "DISCONNECTED"
        event = self.receive(message)
        if is_audio and not was_over:
            assert event == AudioReceived(message[0], message[1:])
        else:
            assert event is None
            self.invalid += not was_over

    @rule(frame=st.sampled_from(SENSELESS))
    def deliver_nonsense(self, frame: str) -> None:
        assert self.receive(frame) is None
        self.invalid += self.state != "DISCONNECTED"

    @rule(frame=st.sampled_from(TEMPLATES), data=st.data())
    def deliver_damaged(self, frame: str, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(frame)))
        end = data.draw(st.integers(start, min(len(frame), start + 8)))
        junk = data.draw(st.text(max_size=4))
        self.receive_and_recount(frame[:start] + junk + frame[end:])

    @rule(frame=st.text(max_size=30))
    def deliver_text(self, frame: str) -> None:
        self.receive_and_recount(frame)

    @rule(code=st.none() | st.text(max_size=5))
    def deliver_fault(self, code: str | None) -> None:
        was_over = self.state == "DISCONNECTED"
        data = {"event": "call.error", "error_code": code}
        event = self.receive(json.dumps({"type": "call_event", "data": data}))
        assert isinstance(event, CallFault) is not was_over

    @rule(ends=st.sampled_from([False] * 9 + [True]))
    def terminate(self, ends: bool) -> None:
        if ends:
            self.receive('{"type":"call_event","data":{"event":"call.terminated"}}')
            assert self.state == "DISCONNECTED"

    @rule(loses=st.sampled_from([False] * 9 + [True]))
    def lose_media(self, loses: bool) -> None:
        if loses:
            assert self.call.signal(Signal.MEDIA_LOST) is (self.state != "DISCONNECTED")
            self.state = "DISCONNECTED"

    @rule(requested=st.integers(1, 9), frame=st.integers(1, 9), times=st.integers(60, 70))
    def request_audio_many_times(self, requested: int, frame: int, times: int) -> None:
        """More requests than are kept: the last one grows."""
        for _ in range(times):
            self.request_audio(requested, frame, 0)

    @rule(signal=st.sampled_from([Signal.CLOSED, Signal.DISCONNECTED]), leaves=st.integers(0, 9))
    def release(self, signal: Signal, leaves: int) -> None:
        if leaves == 0:
            assert self.call.signal(signal) is (self.state != "DISCONNECTED")
            self.state = "DISCONNECTED"

    @rule(samples=st.integers(0, 1000))
    def queue_audio(self, samples: int) -> None:
        self.audio.put(samples)

    @rule()
    def flush(self) -> None:
        self.audio.flush()

    @rule()
    def clear(self) -> None:
        self.audio.clear()

    @rule()
    def take_audio(self) -> None:
        while self.audio.take():
            pass

    def receive_and_recount(self, frame: str) -> None:
        """Takes in a frame that may or may not make sense: the count of these is not foreseen."""
        self.receive(frame)
        assert self.invalid <= self.call.invalid_messages <= self.invalid + 1
        self.invalid = self.call.invalid_messages

    def receive(self, frame: str | bytes) -> Event | None:
        """Takes in a frame, and follows its event in the model."""
        event = self.call.receive(frame)
        if self.state == "DISCONNECTED":
            assert event is None
        match event:
            case CommandDone(command_id=command_id, command=command):
                assert self.unanswered.pop(command_id) == command.name
                if command.name in ALLOWED[self.state]:
                    self.state = AFTER.get(command.name, self.state)
                    self.agent_mode = MODE_AFTER.get(command.name, self.agent_mode)
            case CommandFailed(command_id=command_id, command=command):
                assert self.unanswered.pop(command_id) == command.name
            case CreditGranted():
                data = json.loads(frame)["data"]
                frame_bytes = data.get("prefer_audio_frame_bytes", 960)
                self.audio.granted_more(data["requested_bytes"], frame_bytes)
            case Terminated():
                self.state = "DISCONNECTED"
        return event

    @invariant()
    def the_state_is_where_the_table_says(self) -> None:
        assert self.call.state is CallState[self.state]

    @invariant()
    def the_mode_is_that_of_the_conference(self) -> None:
        in_conference = self.state == "CONNECTED"
        expected = AgentMode[self.agent_mode] if in_conference and self.agent_mode else None
        assert self.call.mode is expected
        assert not in_conference or expected is not None

    @invariant()
    def the_audio_is_like_its_model(self) -> None:
        self.audio.check()

    @invariant()
    def what_makes_no_sense_is_counted(self) -> None:
        assert self.call.invalid_messages == self.invalid


test_a_call_is_like_its_model = CallMachine.TestCase
