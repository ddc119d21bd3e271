"""What an exchange has to do, told as plainly as possible: for the machine that checks it.

Voices are numbers: everybody always says their own, and who listens hears the sum. So what was
heard in a frame tells who was.

SDKs of both wires are told of the same calls: those of the first all of each, those of the second
one after the other, until somebody has claimed it.
"""

from __future__ import annotations

import math

import attrs

TICK_SECONDS = 0.02 + 1e-9
PULLED_AHEAD = 3
"""So many frames of the agent's audio are pulled before they are played."""

CLAIM_SECONDS = 10
"""So long a call is one SDK's to claim on the second wire."""

CALLER, CALLEE, AGENT = 1, 2, 4

POSSIBLE_IN = {
    "call.answer": {"PENDING"},
    "call.connect": {"PENDING", "ANSWERED"},
    "agent.barge": {"CONNECTED"},
    "agent.whisper": {"CONNECTED"},
    "agent.spy": {"CONNECTED"},
    "agent.interrupt": {"ANSWERED", "CONNECTED"},
    "call.close": {"PENDING", "ANSWERED", "CONNECTED"},
    "call.disconnect": {"PENDING", "ANSWERED", "CONNECTED"},
}
DIAL = "call.dial"
"""Never possible for a call that comes in; the first wire does not have it."""

MODES = {"agent.barge": "BARGE", "agent.whisper": "WHISPER", "agent.spy": "SPY"}
AGENT_IS_HEARD_BY = {
    None: {CALLER},
    "BARGE": {CALLER, CALLEE},
    "WHISPER": {CALLEE},
    "SPY": set(),
}

Told = list[tuple[object, ...]]


@attrs.define(eq=False)
class SdkModel:
    """A control connection: what it was told, without the times and the tokens."""

    number: int
    is_second: bool
    is_isolated: bool
    told: Told = attrs.field(factory=list)

    @property
    def believes_to_hold(self) -> set[object]:
        """The calls that it was given, and that nobody has taken from it since."""
        held: set[object] = set()
        for what, *about in self.told:
            if what == "claimed":
                held.add(about[0])
            elif what in {"offer", "closed"}:
                held.discard(about[0])
        return held


@attrs.define(eq=False)
class MediaModel:
    """A media connection: what it was told, and what it heard on each channel."""

    told: Told = attrs.field(factory=list)
    heard: dict[int, list[int]] = attrs.field(factory=dict)

    def hear(self, channel: int, voices: int) -> None:
        self.heard.setdefault(channel, []).append(voices)


@attrs.define
class Ringing:
    command: str
    due: float
    end: str


@attrs.define(eq=False)
class CallModel:
    """A call, with its session."""

    number: int
    pickup_seconds: float
    picks_up: bool
    states: list[str] = attrs.field(factory=lambda: ["PENDING"])
    mode: str | None = None
    caller: str = "CALLING"
    callee: str = "IDLE"
    holder: SdkModel | None = None
    has_token: bool = False
    is_second: bool = False
    is_isolated: bool = False
    is_closed: bool = False
    is_over: bool = False
    media: MediaModel | None = None
    ringing: Ringing | None = None
    leaving: tuple[str, bool] | None = None
    frames_to_play: int = 0
    talking_since: float = math.inf
    ticks: int = 0
    caller_heard: list[int] = attrs.field(factory=list)
    callee_heard: list[int] = attrs.field(factory=list)

    @property
    def state(self) -> str:
        return self.states[-1]

    @property
    def next_tick(self) -> float:
        return math.inf if self.is_over else self.talking_since + (self.ticks + 1) * TICK_SECONDS

    @property
    def next_ring_end(self) -> float:
        return self.ringing.due if self.ringing else math.inf

    def tell(self, *what: object) -> None:
        if self.media is not None:
            self.media.told.append(what)

    def command(self, command: str, command_id: str, ring_seconds: float, now: float) -> None:
        if command == DIAL:
            error_code = "INVALID_STATE" if self.is_second else "INVALID_COMMAND"
            self.tell("refused", command_id, error_code)
            return
        is_possible = self.state in POSSIBLE_IN[command] and self.leaving is None
        if not is_possible or (command == "call.connect" and self.ringing):
            self.tell("refused", command_id, "INVALID_STATE")
        elif command == "call.connect":
            self.ring(command_id, ring_seconds, now)
        elif command in {"call.close", "call.disconnect"}:
            self.stop_ringing()
            ends_call = command == "call.disconnect" or self.state != "CONNECTED"
            self.leaving = (command_id, ends_call)
            self.frames_to_play = 0 if self.state == "PENDING" else PULLED_AHEAD
            self.leave_if_played()
        else:
            if command == "call.answer":
                self.states.append("ANSWERED")
                self.connect_caller(now)
            self.mode = MODES.get(command, self.mode)
            self.tell("done", command_id)

    def ring(self, command_id: str, ring_seconds: float, now: float) -> None:
        self.callee = "RINGING"
        if self.pickup_seconds > ring_seconds:
            self.ringing = Ringing(command_id, now + ring_seconds, "CALL_UNANSWERED")
        else:
            end = "" if self.picks_up else "CALL_DECLINED"
            self.ringing = Ringing(command_id, now + self.pickup_seconds, end)

    def ring_ends(self, end: str, now: float) -> None:
        assert self.ringing is not None
        command_id, self.ringing = self.ringing.command, None
        if end:
            self.callee = "IDLE"
            self.tell("refused", command_id, end)
            return
        self.callee = "TALKING"
        self.connect_caller(now)
        self.states.append("CONNECTED")
        self.mode = "BARGE"
        self.tell("done", command_id)

    def stop_ringing(self) -> None:
        if self.ringing:
            self.ring_ends("CALL_CLOSED", math.nan)

    def connect_caller(self, now: float) -> None:
        if self.caller != "TALKING":
            self.caller = "TALKING"
            self.talking_since = now

    def hang_up_callee(self) -> None:
        if self.ringing:
            self.ring_ends("CALL_DECLINED", math.nan)
        elif self.callee == "TALKING":
            self.end()

    def replace_media(self, media: MediaModel) -> None:
        self.stop_ringing()
        self.tell("closed")
        self.media = media

    def lose_media(self) -> bool:
        """Returns whether somebody else is to have the call."""
        self.media = None
        self.stop_ringing()
        if self.state == "ANSWERED" and self.leaving is None:
            self.end()
        elif self.state == "CONNECTED" and self.leaving is None:
            self.agent_leaves("CALL_TERMINATED")
        return self.state == "PENDING"

    def end(self) -> None:
        """Everybody hangs up."""
        if self.is_over:
            return
        if self.leaving:
            self.frames_to_play = 0
            self.leave_if_played()
        elif self.state != "DISCONNECTED":
            self.tell("event", "call.terminated")
            self.stop_ringing()
            self.agent_leaves("CALL_TERMINATED")
        self.caller = self.callee = "HUNG_UP"
        self.is_over = True

    def leave_if_played(self) -> None:
        if self.leaving and not self.frames_to_play:
            (command_id, ends_call), self.leaving = self.leaving, None
            self.tell("done", command_id)
            self.agent_leaves("SDK_REQUEST")
            if ends_call:
                self.end()

    def agent_leaves(self, reason: str) -> None:
        self.states.append("DISCONNECTED")
        self.mode = None
        self.is_closed = True
        self.tell("closed")
        self.media = None
        if self.holder and not self.holder.is_second:
            self.holder.told.append(("closed", self.number, reason))

    def channels(self, callee: int) -> dict[int, int]:
        """What the agent hears, by channel, or by track on the second wire."""
        legs = {1: CALLER, 2: callee} if callee else {1: CALLER}
        if not self.is_isolated:
            return {0: CALLER + callee}
        if self.is_second:
            return {channel - 1: voices for channel, voices in legs.items()}
        return {0: CALLER + callee, **legs}

    def tick(self) -> None:
        """One frame of everybody's audio."""
        self.ticks += 1
        callee = CALLEE if self.callee == "TALKING" else 0
        agent = AGENT if self.state in {"ANSWERED", "CONNECTED"} else 0
        hearers = AGENT_IS_HEARD_BY[self.mode]
        self.caller_heard.append(callee + (agent if CALLER in hearers else 0))
        if callee:
            self.callee_heard.append(CALLER + (agent if CALLEE in hearers else 0))
        if agent and self.media is not None:
            for channel, voices in self.channels(callee).items():
                self.media.hear(channel, voices)
        if self.leaving:
            self.frames_to_play -= 1
            self.leave_if_played()


class ExchangeModel:
    """Calls, and the SDKs that are offered them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sdks: list[SdkModel] = []
        self.calls: list[CallModel] = []
        # Of the second wire: whose turn it is comes first, who may claim a call until when, and
        # who let it pass before that.
        self.turns: list[SdkModel] = []
        self.notices: dict[CallModel, tuple[SdkModel, float]] = {}
        self.passed: dict[CallModel, list[SdkModel]] = {}

    def offer(self, call: CallModel) -> None:
        call.holder = None
        call.has_token = False
        for sdk in self.sdks:
            if not sdk.is_second:
                sdk.told.append(("offer", call.number))
        self.notify(call)

    def notify(self, call: CallModel) -> None:
        """Tell the SDK of the second wire whose turn it is, and nobody else."""
        self.notices.pop(call, None)
        self.passed[call] = []
        self.tell_next(call)

    def pass_on(self, call: CallModel) -> None:
        """Tell the next one that has not let it pass, or else begin again."""
        sdk, _ = self.notices.pop(call)
        self.passed[call].append(sdk)
        self.tell_next(call)

    def tell_next(self, call: CallModel) -> None:
        if not set(self.turns) - set(self.passed[call]):
            self.passed[call] = []
        if self.turns:
            sdk = next(sdk for sdk in self.turns if sdk not in self.passed[call])
            self.turns.remove(sdk)
            self.turns.append(sdk)
            self.notices[call] = (sdk, self.now + CLAIM_SECONDS)
            sdk.told.append(("offer", call.number))

    def sdk_connects(self, sdk: SdkModel) -> None:
        self.sdks.append(sdk)
        if sdk.is_second:
            self.turns.append(sdk)
        for call in self.calls:
            if call.holder is None and not call.is_closed:
                if not sdk.is_second:
                    sdk.told.append(("offer", call.number))
                elif call not in self.notices:
                    self.notify(call)

    def sdk_is_lost(self, sdk: SdkModel) -> None:
        self.sdks.remove(sdk)
        if sdk.is_second:
            # Its claims stand: what they have brought it opens the media connection all the same.
            self.turns.remove(sdk)
            for call in [call for call, (told, _) in self.open_notices() if told is sdk]:
                self.pass_on(call)
            return
        for call in self.calls:
            if call.holder is sdk and call.media is None and call.state == "PENDING":
                self.offer(call)

    def open_notices(self) -> list[tuple[CallModel, tuple[SdkModel, float]]]:
        """Forget those of calls that are over. The oldest comes first."""
        self.notices = {call: told for call, told in self.notices.items() if not call.is_closed}
        return list(self.notices.items())

    def claim(self, sdk: SdkModel, call: CallModel) -> None:
        if sdk.is_second:
            self.claim_on_second(sdk, call)
        elif call.is_closed:
            sdk.told.append(("refused", "SESSION_CLOSED", None))
        elif call.holder not in {None, sdk}:
            assert call.holder is not None
            sdk.told.append(("refused", "SESSION_BUSY", str(call.holder.number)))
        else:
            self.give(call, sdk)

    def claim_on_second(self, sdk: SdkModel, call: CallModel) -> None:
        told, _ = self.notices.get(call, (None, 0))
        if call.is_closed or call.holder is not (None if told is sdk else sdk):
            sdk.told.append(("refused", "CALL_NOT_FOUND", None))
        else:
            self.give(call, sdk)
            call.has_token = True

    def give(self, call: CallModel, sdk: SdkModel) -> None:
        self.notices.pop(call, None)
        call.holder = sdk
        call.is_second = sdk.is_second
        call.is_isolated = sdk.is_isolated
        sdk.told.append(("claimed", call.number))

    def ready(self, sdk: SdkModel, call: CallModel) -> bool:
        if call.holder is sdk and not call.is_closed:
            sdk.told.append(("call", call.number))
            call.has_token = True
        return call.holder is sdk

    def run_until(self, now: float) -> None:
        """Let happen what happens by itself, each at its time."""
        while True:
            due = [(c.next_ring_end, "ring", c) for c in self.calls]
            due += [(c.next_tick, "tick", c) for c in self.calls]
            due += [(until, "lapse", c) for c, (_, until) in self.open_notices()]
            time, what, call = min(due, key=lambda entry: entry[0], default=(math.inf, "", None))
            if time > now or call is None:
                return
            self.now = time
            if what == "tick":
                call.tick()
            elif what == "lapse":
                self.pass_on(call)
            elif call.ringing:
                call.ring_ends(call.ringing.end, time)
