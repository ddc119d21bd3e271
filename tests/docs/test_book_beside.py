"""Each chapter of the book shows its call with asyncio, too: what runs, prints and is heard."""

from __future__ import annotations

import re

import pytest
import soundfile

from docs import book_beside, book_output
from docs.book_beside import BOOK, CHAPTERS, Beside
from docs.book_timelines import OUTLIVES, rows
from examples.book.stage import Scene

pytest.importorskip("stackscope")
pytestmark = pytest.mark.pure

MAX_LINES = 40
MAX_BYTES = 100_000
TITLE = "The same with asyncio\n---------------------\n"

each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)


def section(chapter: Beside) -> str:
    """Return the section of the page that shows the chapter's program."""
    (page,) = (
        text
        for path in BOOK.glob("[0-9]*.rst")
        if f"examples/book/{chapter.name}.py" in (text := path.read_text(encoding="utf-8"))
    )
    assert page.count(TITLE) == 1
    return page.partition(TITLE)[2].partition("\nExercise\n")[0]


# One test, as the calls are played for it.
@each_chapter
def test_what_is_shown_is_what_the_calls_make(chapter: Beside) -> None:
    printed = book_beside.kept(chapter).read_text(encoding="utf-8")
    drawn = book_beside.timeline(chapter).read_text(encoding="utf-8")
    assert printed == book_beside.output(chapter), "run `python docs/book_beside.py`"
    assert drawn == book_beside.picture(chapter), "run `python docs/book_beside.py`"
    assert chapter.is_heard == tells_apart(chapter)
    if chapter.is_heard:
        check_recording(chapter)


def tells_apart(chapter: Beside) -> bool:
    """Return whether an ear can tell one call from the other: what it hears, and for how long."""
    theirs, ours = (
        play(chapter).call.caller.heard for play in (book_beside.theirs, book_beside.ours)
    )
    speech = abs(len(theirs.rstrip(b"\0")) - len(ours.rstrip(b"\0")))
    # Of nine calls nobody hears more than one.
    return (
        chapter.callers == 1 and max(speech, abs(len(theirs) - len(ours))) > book_beside.EAR_BYTES
    )


def check_recording(chapter: Beside) -> None:
    """Check that a recording is of the call, as far as Opus leaves that to be seen."""
    sound, rate = soundfile.read(book_beside.recording(chapter))
    (call,) = book_beside.theirs(chapter).calls
    assert len(sound) / rate == pytest.approx(call.span.end - call.span.start, abs=0.1)
    is_silent = not any(call.call.caller.heard) and not any(call.call.caller.said)
    assert (abs(sound).max() < 0.001) == is_silent
    assert book_beside.recording(chapter).stat().st_size < MAX_BYTES


@each_chapter
def test_the_program_fits_on_a_page(chapter: Beside) -> None:
    text = book_beside.program(chapter).read_text(encoding="utf-8")
    assert len([line for line in text.splitlines() if line.strip()]) <= MAX_LINES


@each_chapter
def test_the_section_shows_all_of_it(chapter: Beside) -> None:
    shown = section(chapter)
    assert f"../../examples/book/beside/{chapter.name}.py" in shown
    assert f"output/beside/{chapter.name}.txt" in shown
    assert f"timelines/{chapter.name}.svg" in shown
    recordings = re.findall(r'src="\.\./_static/book/(\w+)\.opus"', shown)
    both = [book_beside.recording(chapter).stem, chapter.ours]
    assert recordings == (both if chapter.is_heard else [])


def test_what_outlives_its_call_is_marked() -> None:
    (leaving,) = (chapter for chapter in CHAPTERS if chapter.name == "leaving")

    def marked(scene: Scene) -> set[str]:
        return {row.name for row in rows(scene) for bar in row.bars if bar.style == OUTLIVES}

    assert marked(book_beside.theirs(leaving)) == {"look_up"}
    assert marked(book_beside.ours(leaving)) == set()


def test_every_file_is_of_a_chapter() -> None:
    names = {chapter.name for chapter in CHAPTERS}
    for folder in ("output/beside", "timelines"):
        assert {path.stem for path in (BOOK / folder).iterdir()} == names
    programs = {path.stem for path in book_beside.PROGRAMS.glob("*.py")}
    assert programs == names | {"__init__", "guest_loop", "stage"}


def test_every_chapter_has_one() -> None:
    assert tuple(chapter.name for chapter in CHAPTERS) == book_output.PROGRAMS
