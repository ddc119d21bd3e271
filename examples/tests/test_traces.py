"""An agent whose calls are traces."""

import trio
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from examples.recipes import traces
from trio_calls.simulator import Simulator


def parent_of(span: ReadableSpan, spans: list[ReadableSpan]) -> str | None:
    """Return the name of the span that one is below."""
    if span.parent is None:
        return None
    (parent,) = (other for other in spans if other.context.span_id == span.parent.span_id)
    return parent.name


async def test_what_a_call_does_is_below_it(simulator: Simulator, nursery: trio.Nursery) -> None:
    exporter = InMemorySpanExporter()
    provider = traces.open_tracing(exporter)
    nursery.start_soon(traces.serve, simulator.config, provider)
    await simulator.place_call().wait_ended()
    await trio.sleep(1)
    provider.shutdown()
    spans = list(exporter.get_finished_spans())
    parents = {span.name: parent_of(span, spans) for span in spans}
    assert parents == {
        "call": None,
        "call.answer": "call",
        "look up": "call",
        "say goodbye": "call",
        "call.disconnect": "call",
    }
    assert {span.resource.attributes["service.name"] for span in spans} == {"front-desk"}
    assert len({span.context.trace_id for span in spans}) == 1
