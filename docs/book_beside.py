"""Plays the calls of the book with asyncio, beside the chapters' own, and keeps what comes of it.

`python docs/book_beside.py` brings up to date what they print, their timelines and their
recordings. A test says when they are not.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

CHECKOUT: Final = Path(__file__).resolve().parent.parent
# Run as a script, this plays what is in the checkout that it is in.
sys.path.insert(0, str(CHECKOUT))

from docs.book_recordings import record  # noqa: E402
from docs.book_timelines import draw  # noqa: E402
from examples.book import stage  # noqa: E402
from examples.book.beside import stage as beside_stage  # noqa: E402
from examples.book.stage import Scene, tell  # noqa: E402

#: An ear does not notice that so much of a call is missing: a frame, and half of the next one.
EAR_BYTES: Final = 3 * stage.FRAME // 2

PROGRAMS: Final = CHECKOUT / "examples" / "book" / "beside"
BOOK: Final = CHECKOUT / "docs" / "book"


class Beside(NamedTuple):
    """What is played beside each other.

    Attributes:
      name: the module of the chapter's program, and of the one with asyncio.
      ours: the version of the chapter's program.
      act: what Ada does.
      patience: what Ada does in the call with asyncio, if that needs an end of its own.
      callers: how many people call.
      versions: those with asyncio. The first of them is drawn and recorded.
      is_heard: whether a recording tells the two apart.
    """

    name: str
    ours: str
    act: str
    patience: str | None = None
    callers: int = 1
    versions: tuple[str, ...] = ("with_asyncio",)
    is_heard: bool = False


#: In the order of the chapters.
CHAPTERS: Final = (
    Beside("listening", "listen_while_talking", "ada_is_in_a_hurry"),
    Beside("leaving", "the_block_waits", "ada_waits", is_heard=True),
    Beside(
        "hanging_up",
        "stops_when_she_hangs_up",
        "ada_loses_patience",
        versions=("with_asyncio", "with_asyncio_and_care"),
    ),
    Beside("interrupting", "cancels_what_talks", "ada_interrupts", is_heard=True),
    Beside("in_time", "has_a_limit", "ada_listens", is_heard=True),
    Beside(
        "cleaning_up",
        "says_goodbye_behind_a_shield",
        "ada_stays",
        "ada_stays_for_a_while",
        is_heard=True,
    ),
    Beside("failing", "catches_nothing", "ada_stays", "ada_stays_for_a_while", is_heard=True),
    Beside("channels", "little_waits", "ada_asks"),
    Beside("outside", "waits_for_the_thread", "ada_does_not_wait"),
    Beside("many_calls", "everybody_at_once", "one_of_many", "one_of_many", callers=9),
)


def program(chapter: Beside) -> Path:
    """Return the file of the program with asyncio."""
    return PROGRAMS / f"{chapter.name}.py"


def kept(chapter: Beside) -> Path:
    """Return the file that its output is kept in."""
    return BOOK / "output" / "beside" / f"{chapter.name}.txt"


def timeline(chapter: Beside) -> Path:
    """Return the file of the picture of both calls."""
    return BOOK / "timelines" / f"{chapter.name}.svg"


def recording(chapter: Beside) -> Path:
    """Return the file of the recording of the call with asyncio."""
    return CHECKOUT / "docs" / "_static" / "book" / f"asyncio_{chapter.name}.opus"


@cache
def theirs(chapter: Beside, version: str = "with_asyncio") -> Scene:
    """Play the call with asyncio."""
    played = importlib.import_module(f"examples.book.beside.{chapter.name}")
    act = getattr(played, chapter.patience or chapter.act)
    return beside_stage.run(getattr(played, version), act, chapter.callers)


@cache
def ours(chapter: Beside) -> Scene:
    """Play the chapter's own call."""
    played = importlib.import_module(f"examples.book.{chapter.name}")
    return stage.run(getattr(played, chapter.ours), getattr(played, chapter.act), chapter.callers)


def output(chapter: Beside) -> str:
    """Return what the program with asyncio prints."""
    parts = [tell(version, theirs(chapter, version)) for version in chapter.versions]
    return "\n".join(parts)


def picture(chapter: Beside) -> str:
    """Draw both calls."""
    return draw({"with asyncio": theirs(chapter), "with trio_calls": ours(chapter)})


def main() -> None:
    """Write all of it."""
    for chapter in CHAPTERS:
        for path in (kept(chapter), timeline(chapter)):
            path.parent.mkdir(exist_ok=True)
        kept(chapter).write_text(output(chapter), encoding="utf-8")
        timeline(chapter).write_text(picture(chapter), encoding="utf-8")
        if chapter.is_heard:
            record(theirs(chapter), recording(chapter))


if __name__ == "__main__":
    main()
