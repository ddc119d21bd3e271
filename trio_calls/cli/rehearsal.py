"""One call into an agent, inside this process: what ``trio-calls run --simulate`` does."""

from __future__ import annotations

import logging
import math
import secrets
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import trio

from trio_calls import events
from trio_calls._quoting import printable
from trio_calls.audio import duration_seconds, level_dbfs
from trio_calls.call.active_call import ActiveCall
from trio_calls.call.scope import CallHandler, call_handler
from trio_calls.cli.conversation import Speech, SpokenLine
from trio_calls.cli.outcome import Failure, sentence_of
from trio_calls.cli.patience import Patience
from trio_calls.cli.people import People
from trio_calls.cli.recorder import Recorder, open_recorder
from trio_calls.client.client import open_call_client
from trio_calls.concurrency.error_groups import first_error, holds_only, split_failure
from trio_calls.config import WireName
from trio_calls.demo.examples import load_speech
from trio_calls.demo.report import arrows
from trio_calls.demo.stories import Listener
from trio_calls.errors import WSSCallClosedError
from trio_calls.simulator import (
    Phone,
    PhoneHungUp,
    SimulatedCall,
    open_simulator,
)
from trio_calls.simulator._simulated_call import heard_by_caller
from trio_calls.simulator.phones.lines import say_line
from trio_calls.state import CallState

_RING_SECONDS: Final = 30.0
_TALK_SECONDS: Final = 15.0
_GREETING_SECONDS: Final = 5.0


async def rehearse(
    handler: CallHandler, sample_rate: int, people: People, wire: WireName = "first"
) -> bool:
    """Place one virtual call to a handler, and print what happens.

    Args:
      handler: the handler to call.
      sample_rate: the sample rate of all audio, in Hz.
      people: who calls, and who is called.
      wire: which generation of the exchange is spoken.

    Returns:
      Whether the call was answered, or connected to the callee, and no handler has failed: neither
      this one nor one that it has registered for the call's events.

    Raises:
      Failure: what the caller heard could not be recorded to its end. All else was done.

    Cancellation: the recording has what was heard until then.
    """
    with open_recorder(people.record) as recorder:
        recorder.begin(sample_rate)
        went_well = await _rehearse(handler, sample_rate, people, wire, recorder)
    if recorder.fault is not None:
        raise Failure(f"{recorder.fault}; what was recorded before is kept")
    return went_well


async def _rehearse(
    handler: CallHandler, sample_rate: int, people: People, wire: WireName, recorder: Recorder
) -> bool:
    failures = _Failures(handler)
    seed = secrets.randbits(64)  # files that are named after calls outlive them
    opening = open_simulator(port=0, sample_rate=sample_rate, seed=seed, wire=wire)
    async with opening as simulator:
        spoken = "" if wire == "first" else f", on the {wire} wire"
        _print(f"a simulated exchange is on {simulator.config.base_url}{spoken}")
        with failures:
            async with open_call_client(simulator.config) as client:
                client.on(events.INCOMING_CALL)(failures.handle_call)
                call = simulator.place_call(pickup=people.pickup)
                _print(f"{call.caller.number} calls {call.callee.number}")
                with heard_by_caller(call, lambda frame: recorder.add(frame or b"")):
                    await _play(call, people, sample_rate)
                # What the handler does after the call can fail as well.
                await client.drain()
    return _judge(call, sample_rate, failures.first)


async def _play(call: SimulatedCall, people: People, sample_rate: int) -> None:
    """Have caller and callee do what they do, until the call is over."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_be_caller, call, people.lines, sample_rate)
        nursery.start_soon(_be_callee, call, people.callee_say, sample_rate)
        nursery.start_soon(_tell_sound, call)
        await call.wait_agent_left()
        _print("the call is over" if call.ended else "the agent has left the call")
        await call.wait_ended()
        nursery.cancel_scope.cancel()


class _Failures(logging.Handler):
    """Notes the first failure of a handler, and of the handlers of the call's events.

    Those are called where only the log tells what became of them. It listens inside its block.

    Args:
      handler: the handler to call.

    Attributes:
      first: the failure, or None.
    """

    def __init__(self, handler: CallHandler) -> None:
        super().__init__(logging.ERROR)
        self.first: BaseException | None = None
        self._handler = handler
        self._logger = logging.getLogger("trio_calls.event_handlers")

    def __enter__(self) -> None:
        self._logger.addHandler(self)

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)

    async def handle_call(self, call: ActiveCall) -> None:
        """Call the handler, note its failure, and raise it."""
        try:
            await call_handler(self._handler, call)
        except BaseException as error:
            failure, _ = split_failure(error)
            is_over = call.state is CallState.DISCONNECTED
            if failure is not None and not (is_over and holds_only(failure, WSSCallClosedError)):
                self._note(failure)
            raise

    def emit(self, record: logging.LogRecord) -> None:
        """Note the failure that a log record tells of."""
        if record.exc_info is not None and record.exc_info[1] is not None:
            self._note(record.exc_info[1])

    def _note(self, failure: BaseException) -> None:
        if self.first is None:
            if isinstance(failure, BaseExceptionGroup):
                failure = first_error(failure)
            self.first = failure


async def _tell_sound(call: SimulatedCall) -> None:
    with suppress(PhoneHungUp):
        await call.caller.wait_sound()
        _print("the caller hears somebody: the agent, or the callee")


async def _be_caller(call: SimulatedCall, lines: Sequence[SpokenLine], sample_rate: int) -> None:
    with trio.move_on_after(_RING_SECONDS) as stay:
        try:
            await call.caller.wait_talking()
            stay.deadline = trio.current_time() + _TALK_SECONDS
            if lines:
                await _say_all(call.caller, lines, sample_rate, stay)
            else:
                await _ask_for_sales(call.caller, sample_rate)
        except PhoneHungUp:
            return
        await trio.sleep_forever()
    _print("the caller hangs up")
    call.caller.hang_up()


async def _ask_for_sales(caller: Phone, sample_rate: int) -> None:
    with trio.move_on_after(_GREETING_SECONDS):
        await Listener(caller, sample_rate).wait_sentence()
    await caller.say(load_speech("caller_request", sample_rate))
    _print('the caller has said: "Hi, my name is Ada. I would like to talk to sales."')


async def _say_all(
    caller: Phone, lines: Sequence[SpokenLine], sample_rate: int, stay: trio.CancelScope
) -> None:
    """Say the lines, and move the moment at which the caller hangs up."""
    patience = Patience(trio.current_time(), _RING_SECONDS, None, lines)
    patience.answered(trio.current_time())

    def begins(number: int) -> None:
        patience.begins(number, trio.current_time())
        stay.deadline = patience.ends_at
        _print(f"the caller says {lines[number - 1].speech.name}")

    for number, line in enumerate(lines, start=1):
        stay.deadline = patience.ends_at
        await say_line(caller, line.at_rate(sample_rate), sample_rate, partial(begins, number))
        _print(f"the caller has said {line.speech.name}")
        patience.has_said(number, trio.current_time())
    stay.deadline = patience.ends_at


async def _be_callee(call: SimulatedCall, speech: Speech | None, sample_rate: int) -> None:
    try:
        await call.callee.wait_talking()
        _print("the callee has picked up")
        if speech is None:
            await call.callee.say(load_speech("callee_hello", sample_rate))
            _print('the callee has said: "Sales, good morning. How can I help?"')
        else:
            await call.callee.say(speech.to_pcm(sample_rate))
            _print(f"the callee has said {speech.name}")
    except PhoneHungUp:
        return


def _judge(call: SimulatedCall, sample_rate: int, failure: BaseException | None) -> bool:
    states = call.agent_states
    is_served = len(states) > 1 and states[1] is not CallState.DISCONNECTED
    _print(f"{'✓' if is_served else '✗'} " + arrows(states))
    for phone, name in ((call.caller, "caller"), (call.callee, "callee")):
        seconds = duration_seconds(len(phone.heard), sample_rate)
        if seconds:
            level = level_dbfs(phone.heard)
            sound = "nothing" if level == -math.inf else f"{level:.0f} dBFS"
            _print(f"  the {name} was connected for {seconds:.1f} s, and heard {sound}")
    if failure is not None:
        kind = type(failure).__name__
        _print(f"✗ a handler has failed: {kind}: {printable(sentence_of(failure))}")
    return is_served and failure is None


def _print(line: str) -> None:
    print(line, flush=True)
