"""The book shows programs that run, and what they really print."""

from __future__ import annotations

import re

import pytest
import soundfile

from docs import book_beside, book_output, book_recordings

pytest.importorskip("stackscope")
pytestmark = pytest.mark.pure

BOOK = book_output.CHECKOUT / "docs" / "book"
MAX_LINES = 40
MAX_BYTES = 100_000
each_program = pytest.mark.parametrize("name", book_output.PROGRAMS)


def chapters() -> list[str]:
    """List the chapters, as the front page does."""
    front = (BOOK / "index.rst").read_text(encoding="utf-8")
    return re.findall(r"^   (\d\d-[-a-z]+)$", front, re.M)


def page_of(name: str) -> str:
    """Return the page that shows a program."""
    (page,) = (
        text
        for path in BOOK.glob("[0-9]*.rst")
        if f"examples/book/{name}.py" in (text := path.read_text(encoding="utf-8"))
    )
    return page


@each_program
def test_what_a_program_prints_is_current(name: str) -> None:
    kept = book_output.kept(name).read_text(encoding="utf-8")
    assert kept == book_output.output(name), "run `python docs/book_output.py`"


@each_program
def test_a_program_fits_on_a_page(name: str) -> None:
    text = book_output.program(name).read_text(encoding="utf-8")
    assert len([line for line in text.splitlines() if line.strip()]) <= MAX_LINES


@each_program
def test_every_version_and_what_it_prints_is_shown(name: str) -> None:
    page = page_of(name)
    printed = book_output.kept(name).read_text(encoding="utf-8")
    for version in re.findall(r"^(\w+):$", printed, re.M):
        assert f":pyobject: {version}\n" in page
        assert f":start-at: {version}:\n" in page


@each_program
def test_a_chapter_has_an_exercise_with_its_solution(name: str) -> None:
    assert f"examples/book/solutions/{name}.py" in page_of(name)


def test_every_chapter_is_on_the_front_page_in_order() -> None:
    pages = sorted(path.stem for path in BOOK.glob("[0-9]*.rst"))
    assert chapters() == pages
    shown = [(BOOK / f"{page}.rst").read_text(encoding="utf-8") for page in pages]
    assert len(shown) == len(book_output.PROGRAMS)
    for name, page in zip(book_output.PROGRAMS, shown, strict=True):
        assert f"examples/book/{name}.py" in page


def test_every_file_of_output_is_of_a_program() -> None:
    kept = {path.stem for path in book_output.OUTPUT.glob("*.txt")}
    assert kept == set(book_output.PROGRAMS)


@pytest.mark.parametrize(
    ("name", "version"),
    [(name, version) for name, _, versions in book_recordings.RECORDED for version in versions],
)
def test_a_recording_is_small_and_can_be_played(name: str, version: str) -> None:
    path = book_recordings.recording(version)
    sound, rate = soundfile.read(path)
    assert len(sound) > 2 * rate
    assert abs(sound).max() > 0.1
    assert path.stat().st_size < MAX_BYTES
    assert f'src="../_static/book/{path.name}"' in page_of(name)


def test_every_recording_is_of_a_version() -> None:
    recorded = {version for _, _, versions in book_recordings.RECORDED for version in versions}
    beside = {book_beside.recording(each).stem for each in book_beside.CHAPTERS if each.is_heard}
    assert {path.stem for path in book_recordings.FOLDER.iterdir()} == recorded | beside
