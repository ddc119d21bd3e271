"""The timelines of agents of this process, for the tabs of their calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from trio_calls.voice.timeline.collecting import Timelines, collected
from trio_calls.voice.timeline.json_lines import to_line
from trio_calls.voice.timeline.records import Record
from trio_calls.voice.timeline.timeline import Timeline
from trio_calls.web._switchboard import Switchboard


@contextmanager
def pass_on_timelines(switchboard: Switchboard) -> Iterator[None]:
    """Show the tabs what the voices of their calls note, if these are opened in this context.

    So it goes around the client, whose tasks inherit the context.
    """
    token = collected.set(_PassedOn(switchboard))
    try:
        yield
    finally:
        collected.reset(token)


class _PassedOn(Timelines):
    """Keeps no timeline, and passes each record on."""

    def __init__(self, switchboard: Switchboard) -> None:
        super().__init__()
        self._switchboard = switchboard

    def add(self, timeline: Timeline) -> None:
        call_id = timeline.opened.call_id

        def pass_on(record: Record) -> None:
            self._switchboard.pass_on(call_id, to_line(record).decode())

        for record in timeline.records:
            pass_on(record)
        timeline.watch(pass_on)
