"""``trio-calls timeline``: makes a page of a call's timeline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from trio_calls.cli.outcome import Failure, sentence_of
from trio_calls.voice import TimelineError

if TYPE_CHECKING:
    from trio_calls.voice.timeline.page import Story

_EXAMPLE: Final = """\b
Example:
  trio-calls timeline call.jsonl
  trio-calls timeline call.jsonl --recording archive/call.flac --output monday.html
"""


@click.command(epilog=_EXAMPLE)
@click.argument("timeline", metavar="TIMELINE", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--recording",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The call's recording. Without, those that the timeline names are looked for beside it.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where the page goes. Without, beside the timeline: call.html for call.jsonl.",
)
def timeline(timeline: Path, recording: Path | None, output: Path | None) -> None:
    """Make a page of a call's timeline, to look at and listen to in a browser.

    TIMELINE is what `voice.write_timeline()` has written. The page is one file that needs no
    network. It shows who spoke when, what was said and how far it was heard, and what each answer
    took its time for; and it plays the recording. It is for its owner alone (mode 0600).
    """
    from trio_calls.voice.timeline.page import write_page  # noqa: PLC0415  # for this command only

    try:
        written = write_page(timeline, recording=recording, output=output)
    except (OSError, ValueError, TimelineError) as error:
        raise Failure(sentence_of(error)) from error
    click.echo(f"{written.path} shows {_describe(written.story)}")
    if written.remark:
        click.echo(written.remark)


def _describe(story: Story) -> str:
    return (
        f"{story.end - story.start:.1f} s: "
        f"{_count(len(story.said), 'speech', 'speeches')} of the agent, "
        f"{_count(len(story.turns), 'turn', 'turns')}, "
        f"{_count(len(story.interruptions), 'interruption', 'interruptions')}"
    )


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
