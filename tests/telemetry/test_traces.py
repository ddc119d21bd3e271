"""Spans of calls, as an exporter gets them."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from functools import partial
from typing import Final

import pytest
import trio
import trio.lowlevel
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.support.phone_calls import speech
from tests.support.voice_agents import loudness
from trio_calls import ActiveCall, CallState, WSSCallStateError, events
from trio_calls.call.scope import CallHandler
from trio_calls.client.client import client_observers_of
from trio_calls.simulator import SimulatedCall, Simulator, cut_media, never_answers, refuse
from trio_calls.telemetry import trace_calls
from trio_calls.testing import run_agent
from trio_calls.voice import open_voice

CALLER, CALLEE = "+65 9111 0000", "+65 6222 0000"
ERROR: Final = trace.StatusCode.ERROR


class Recorder:
    """Where spans go.

    Attributes:
      provider: of tracers.
      tracer: an agent's own.
    """

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("agent")

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans that have ended, in the order in which they began; parents first."""
        spans = self._exporter.get_finished_spans()
        return sorted(spans, key=lambda span: (span.start_time or 0, span.parent is not None))

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        (span,) = self.named(name)
        return span

    def text(self) -> str:
        """All that the spans say."""
        return "".join(span.to_json() for span in self.spans)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    yield (recorder := Recorder())
    recorder.provider.shutdown()


def seconds_of(span: ReadableSpan) -> float:
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1e9


def parent_of(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def id_of(span: ReadableSpan) -> int:
    context = span.get_span_context()
    assert context is not None
    return context.span_id


async def traced(
    simulator: Simulator, recorder: Recorder, handler: CallHandler, **settings: bool
) -> SimulatedCall:
    """Trace a call whose handler ends it, or whose caller hangs up after 20 s."""
    async with run_agent(handler, simulator, crash_on_handler_error=False) as client:
        with trace_calls(client, tracer_provider=recorder.provider, **settings):
            call = simulator.place_call(caller=CALLER, callee=CALLEE, pickup=never_answers())
            with trio.move_on_after(20):
                await call.wait_agent_left()
            if not call.ended:
                call.caller.hang_up()
                await call.wait_agent_left()
            await trio.sleep(1)
    return call


async def test_a_call_with_an_interruption(simulator: Simulator, recorder: Recorder) -> None:
    async def handle(call: ActiveCall) -> None:
        await call.answer()
        async with open_voice(call, detector=loudness) as voice:
            utterances = voice.utterances()
            await anext(utterances)
            with recorder.tracer.start_as_current_span("think"):
                await trio.sleep(0.5)
            with voice.until_interrupted() as talk:
                await voice.say(speech(1, 10))
            assert talk.cancelled_caught
            await trio.sleep(1)
        await call.close()

    async def talk_over(call: SimulatedCall) -> None:
        await call.caller.wait_talking()
        await call.caller.say(speech(2, 1.0))
        await trio.sleep(3)
        await call.caller.say(speech(3, 1.0))

    async with run_agent(handle, simulator) as client:
        with trace_calls(client, tracer_provider=recorder.provider):
            call = simulator.place_call()
            await talk_over(call)
            await call.wait_agent_left()
            await trio.sleep(1)

    # The agent's own are on the clock on the wall, where hardly any time has passed.
    assert parent_of(recorder.one("think")) == id_of(recorder.one("call"))
    names = [span.name for span in recorder.spans if span.name != "think"]
    assert names == ["call", "call.answer", "turn", "agent.interrupt", "call.close"]
    whole = recorder.one("call")
    assert whole.attributes == {
        "trio_calls.call.id": call.call_id,
        "trio_calls.call.end_cause": "CLOSE",
    }
    assert whole.kind is trace.SpanKind.CONSUMER
    assert parent_of(whole) is None
    children = [span for span in recorder.spans if span.parent is not None]
    assert {parent_of(span) for span in children} == {id_of(whole)}
    assert len(children) == 5
    assert [event.name for event in whole.events] == ["state", "interrupted", "state"]
    turn = recorder.one("turn")
    # 0.7 s until the caller has finished, and half a second of thinking.
    assert seconds_of(turn) == pytest.approx(1.2, abs=0.1)
    assert turn.attributes is not None
    assert turn.attributes["trio_calls.turn.thinking_seconds"] == pytest.approx(0.5, abs=0.01)
    assert seconds_of(whole) == pytest.approx(5.6, abs=0.3)


async def test_commands_and_what_they_come_to(simulator: Simulator, recorder: Recorder) -> None:
    simulator.inject(refuse("call.connect", error_code="OF_TOMORROW"))

    async def handle(call: ActiveCall) -> None:
        with pytest.raises(WSSCallStateError):
            await call.whisper()
        await call.answer()
        with contextlib.suppress(Exception):
            await call.connect()
        with trio.move_on_after(2):
            await call.connect()
        await call.disconnect()

    await traced(simulator, recorder, handle)
    commands = [span for span in recorder.spans if span.name != "call"]
    assert [
        (
            span.name,
            (span.attributes or {}).get("error.type"),
            (span.attributes or {}).get("trio_calls.error_code"),
            span.status.status_code is ERROR,
        )
        for span in commands
    ] == [
        ("agent.whisper", "trio_calls.WSSCallStateError", None, True),
        ("call.answer", None, None, False),
        ("call.connect", "trio_calls.WSSCallCommandError", "OF_TOMORROW", True),
        # The phone rings on until the agent leaves: that is no error of anybody.
        ("call.connect", "trio_calls.WSSCallClosedError", None, False),
        ("call.disconnect", None, None, False),
    ]
    assert {span.kind for span in commands} == {trace.SpanKind.CLIENT}
    assert seconds_of(commands[3]) == pytest.approx(2, abs=0.1)


async def test_spans_follow_the_nurseries(simulator: Simulator, recorder: Recorder) -> None:
    """They belong to where a task was started, and not to whoever has woken it."""
    tracer = recorder.tracer
    gates: dict[str, trio.Event] = {}

    async def work(name: str) -> None:
        with tracer.start_as_current_span(name):
            await trio.lowlevel.checkpoint()

    async def wait_and_work(call: ActiveCall) -> None:
        gates[call.call_id] = trio.Event()
        await gates[call.call_id].wait()
        await work("woken")

    async def handle(call: ActiveCall) -> None:
        @call.on(events.CALL_TERMINATED)
        async def write_down() -> None:
            await work("terminated")

        await call.answer()
        async with trio.open_nursery() as nursery:
            with tracer.start_as_current_span("outer"):
                nursery.start_soon(work, "inner")
                nursery.start_soon(wait_and_work, call)
            await trio.to_thread.run_sync(partial(_work_in_a_thread, tracer))
            await trio.sleep(1)
            # Whoever answers later wakes the task of the other call, too.
            for gate in gates.values():
                gate.set()

    async with run_agent(handle, simulator) as client:
        with trace_calls(client, tracer_provider=recorder.provider):
            calls = [simulator.place_call() for _ in range(2)]
            for call in calls:
                await call.wait_ended()
            await trio.sleep(1)
    for whole in recorder.named("call"):
        mine = [
            span
            for span in recorder.spans
            if span.context is not None
            and whole.context is not None
            and span.context.trace_id == whole.context.trace_id
        ]
        (outer,) = (span for span in mine if span.name == "outer")
        parents = {span.name: parent_of(span) for span in mine}
        assert parents["inner"] == parents["woken"] == id_of(outer)
        assert parents["outer"] == parents["terminated"] == parents["thread"] == id_of(whole)
    assert len(recorder.named("call")) == 2


def _work_in_a_thread(tracer: trace.Tracer) -> None:
    with tracer.start_as_current_span("thread"):
        pass


@pytest.mark.parametrize("show_numbers", [False, True])
async def test_nothing_personal_unless_asked(
    simulator: Simulator, recorder: Recorder, show_numbers: bool
) -> None:
    secret = "Anna, whose number is +65 9111 0000"
    simulator.inject(refuse("call.connect", error_code=secret))

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        with contextlib.suppress(Exception):
            await call.connect()
        async with open_voice(call, detector=loudness) as voice:
            await voice.say(speech(1, 0.5), text=secret)
        raise LookupError(secret)

    await traced(simulator, recorder, handle, show_numbers=show_numbers)
    assert "Anna" not in recorder.text()
    for number in (CALLER, CALLEE):
        assert (number in recorder.text()) is show_numbers
    whole = recorder.one("call")
    assert whole.attributes is not None
    assert whole.attributes.get("trio_calls.caller.number") == (CALLER if show_numbers else None)


class Failing(SpanProcessor):
    """What an application has made, and not tried."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if span.name == "call.answer":
            raise LookupError("not tried")

    def on_end(self, span: ReadableSpan) -> None:
        raise LookupError("not tried")


async def test_a_processor_that_fails_costs_no_call(
    simulator: Simulator, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    recorder.provider.add_span_processor(Failing())

    async def handle(call: ActiveCall) -> None:
        await call.answer()
        await call.send_audio(speech(1, 1.0))
        await call.close()

    call = await traced(simulator, recorder, handle)
    assert speech(1, 1.0) in call.caller.heard
    assert call.agent_states[-1] is CallState.DISCONNECTED
    failures = [one for one in caplog.records if one.name == "trio_calls.traces"]
    assert {one.message for one in failures} == {"a span could not be recorded"}
    # The answer, which has not begun, closing, and the call.
    assert len(failures) == 3


async def test_a_call_that_is_lost_is_an_error(simulator: Simulator, recorder: Recorder) -> None:
    async def handle(call: ActiveCall) -> None:
        await call.answer()
        simulator.inject(cut_media())
        await call.wait_disconnected()

    await traced(simulator, recorder, handle)
    whole = recorder.one("call")
    assert whole.status.status_code is ERROR
    assert whole.attributes is not None
    assert whole.attributes["trio_calls.call.end_cause"] == "LOST"


async def test_a_call_in_progress_is_traced_to_its_end(
    simulator: Simulator, recorder: Recorder
) -> None:
    async def handle(call: ActiveCall) -> None:
        await call.answer()
        await call.wait_disconnected()

    async with run_agent(handle, simulator) as client:
        with trace_calls(client, tracer_provider=recorder.provider):
            call = simulator.place_call()
            await trio.sleep(1)
        other = simulator.place_call()
        await trio.sleep(1)
        assert recorder.named("call") == []
        for each in (call, other):
            each.caller.hang_up()
            await each.wait_agent_left()
        await trio.sleep(1)
        assert seconds_of(recorder.one("call")) == pytest.approx(2, abs=0.1)
        assert client_observers_of(client)._observers == []


async def test_without_the_extra_it_is_named(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "opentelemetry" else found(name),
    )

    async def handle(call: ActiveCall) -> None:
        await call.answer()

    async with run_agent(handle, simulator) as client:
        with pytest.raises(ModuleNotFoundError, match="extra 'traces'"), trace_calls(client):
            pass  # pragma: no cover
