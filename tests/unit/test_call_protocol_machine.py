"""`CallProtocol` against a plain model: any frames, in any order, between any commands."""

import json
from collections import OrderedDict

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from trio_calls.config import AudioMode
from trio_calls.errors import BufferFullError, WSSCallStateError
from trio_calls.state import AgentMode, CallState, Command, Signal
from trio_calls.wire.call_protocol import (
    MAX_UNANSWERED_COMMANDS,
    AudioReceived,
    CallFault,
    CallProtocol,
    CommandDone,
    CommandFailed,
    CreditGranted,
    Event,
    Terminated,
)

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
        self.call = CallProtocol(mode, 4000)
        self.audio_mode = mode
        self.state = "PENDING"
        self.agent_mode: str | None = None
        self.unanswered: OrderedDict[str, str] = OrderedDict()
        self.granted = 0
        self.sent = 0
        self.invalid = 0

    @rule(target=sent_ids, command=st.sampled_from(Command), ring_time=st.integers(1, 120))
    def send_command(self, command: Command, ring_time: int) -> str:
        seconds = ring_time if command is Command.CONNECT else None
        try:
            sent = self.call.start_command(command, ring_time_seconds=seconds)
        except WSSCallStateError:
            assert command.name not in ALLOWED[self.state]
            return "never sent"
        assert command.name in ALLOWED[self.state]
        if len(self.unanswered) == MAX_UNANSWERED_COMMANDS:
            self.unanswered.popitem(last=False)
        self.unanswered[sent.command_id] = command.name
        return sent.command_id

    @rule(command_id=sent_ids, success=st.booleans(), code=st.sampled_from([None, "TIMEOUT", "X"]))
    def respond(self, command_id: str, success: bool, code: str | None) -> None:
        """Answers a command: for the first time, again, or after it was forgotten."""
        data = {"command_id": command_id, "success": success, "error_code": code}
        was_over = self.state == "DISCONNECTED"
        expected = command_id in self.unanswered and not was_over
        event = self.receive(json.dumps({"type": "command_response", "data": data}))
        if expected:
            assert isinstance(event, CommandDone if success else CommandFailed)
        else:
            assert event is None
            self.invalid += not was_over

    @rule(command_id=consumes(sent_ids))
    def give_up(self, command_id: str) -> None:
        """The waiter of a command goes away; the protocol is not even told."""

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

    @rule(samples=st.integers(1, 1000), flush=st.booleans())
    def send_audio(self, samples: int, flush: bool) -> None:
        try:
            self.call.audio.put(bytes(2 * samples))
        except BufferFullError:
            assert len(self.call.audio) + 2 * samples > 4000
        if flush:
            self.call.audio.flush()

    @rule()
    def take_audio(self) -> None:
        while (pcm := self.call.audio.take()) is not None:
            assert len(pcm) % 2 == 0
            self.sent += len(pcm)

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
                self.granted += json.loads(frame)["data"]["requested_bytes"]
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
    def nothing_is_sent_beyond_the_credit(self) -> None:
        assert self.sent + self.call.audio.credit_bytes <= self.granted

    @invariant()
    def what_makes_no_sense_is_counted(self) -> None:
        assert self.call.invalid_messages == self.invalid


test_a_call_is_like_its_model = CallMachine.TestCase
