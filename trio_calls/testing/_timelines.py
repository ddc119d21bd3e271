"""What the agent said in a call of a test, as its timeline tells it."""

from __future__ import annotations

from pathlib import Path

from trio_calls.call.active_call import ActiveCall
from trio_calls.simulator import SimulatedCall
from trio_calls.testing._evidence import Evidence
from trio_calls.voice import TimelineError
from trio_calls.voice.timeline.collecting import Timelines, collected
from trio_calls.voice.timeline.json_lines import to_line
from trio_calls.voice.timeline.records import Said
from trio_calls.voice.timeline.timeline import Timeline


def said(call: SimulatedCall | ActiveCall) -> list[Said]:
    """Return what the agent has said in a call by its voice, speech by speech.

    ::

        async with run_agent(handle_call, simulator):
            call = simulator.place_call()
            ...
        assert [speech.text for speech in said(call)] == ["Hello!", "How can I"]

    What it is still saying is not there yet; what it has said in a call that is over is. Of speech
    that was said without a text, `Said.text` is None: what was heard of that, `heard` tells.

    It works for calls of the test's own process, the newest 100 of them: after `run_agent`, and in
    all of a test that runs with the pytest plugin, also from the fixture ``loopback_simulator``.

    Args:
      call: the call, as the simulator has it or as the agent has.

    Raises:
      LookupError: the agent has opened no voice on this call, or not in this process.
    """
    timelines = collected.get()
    voices = [] if timelines is None else timelines.of_call(call.call_id)
    if not voices:
        raise LookupError(
            "nothing is known of what the agent has said: it has opened no voice on this call, or "
            "in another process"
        )
    return [record for voice in voices for record in voice.records if isinstance(record, Said)]


def collect_timelines() -> None:
    """Collect the timelines of voices from here on in this context, unless that is done already."""
    if collected.get() is None:
        collected.set(Timelines())


def save_timelines(timelines: Timelines, evidence: Evidence) -> str:
    """Save the timelines of a test beside its recordings, each with a page to look at.

    Those of an earlier run are replaced.

    Returns:
      The lines of the report that say where the pages are.
    """
    return "\n".join(
        f"  {timeline.opened.call_id}  {_save(timeline, evidence.path(f'call-{number}.jsonl'))}"
        for number, timeline in enumerate(timelines, 1)
    )


def _save(timeline: Timeline, path: Path) -> Path:
    from trio_calls.voice.timeline.page import write_page  # noqa: PLC0415  # for failures only

    path.write_bytes(b"".join(map(to_line, timeline.records)))
    try:
        return write_page(path).path
    except TimelineError:
        # In virtual time a call may take longer than a page could show.
        return path
