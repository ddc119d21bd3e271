"""`trio-calls timeline`: a page beside the timeline, for its owner alone."""

import os
import shutil
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.timelines import OVER, lines, read_page, said, turn, write_recording
from trio_calls import cli

SILENCE = np.zeros((8000, 2), np.int16)
RECORDING = {"at": 0.5, "kind": "recording", "path": "call.wav", "start": 0.5}


@pytest.fixture
def timeline(tmp_path: Path) -> Path:
    path = tmp_path / "call.jsonl"
    records = (RECORDING, said(1.0, 2.0, 5.0), turn(5.0, 0.5, 0.2, 0.1, 0.1), OVER)
    path.write_text("".join(lines(*records)), encoding="utf-8")
    return path


def failure(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run the command, which fails, and return the line that says why."""
    assert cli.main(["timeline", *map(str, arguments)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    return line.removeprefix("trio-calls timeline: ")


def test_a_page_beside_the_timeline(timeline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_recording(timeline.with_name("call.wav"), SILENCE)
    assert cli.main(["timeline", str(timeline)]) == 0
    written = timeline.with_name("call.html")
    assert capsys.readouterr().out == (
        f"{written} shows 100.0 s: 1 speech of the agent, 1 turn, 0 interruptions\n"
    )
    root = read_page(written.read_text(encoding="utf-8"))
    audio = root.only("audio").attributes
    assert audio["data-start"] == "0.5"
    assert audio["src"].startswith("data:audio/wav;base64,")
    assert sorted(path.name for path in timeline.parent.iterdir()) == [
        *("call.html", "call.jsonl", "call.wav")
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_it_is_its_owners_alone(timeline: Path) -> None:
    page = timeline.with_name("call.html")
    page.write_text("an older one", encoding="utf-8")
    page.chmod(0o644)
    assert cli.main(["timeline", str(timeline)]) == 0
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_another_place_and_another_recording(timeline: Path, tmp_path: Path) -> None:
    recording = write_recording(tmp_path / "archived.wav", SILENCE)
    page = tmp_path / "monday.html"
    assert (
        cli.main(["timeline", str(timeline), f"--recording={recording}", f"--output={page}"]) == 0
    )
    assert len(read_page(page.read_text(encoding="utf-8")).every("svg", "wave")) == 2
    assert not timeline.with_name("call.html").exists()


def test_a_recording_that_is_gone(timeline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["timeline", str(timeline)]) == 0
    said = "The recording call.wav is not beside the timeline: No such file or directory."
    assert said in capsys.readouterr().out
    root = read_page(timeline.with_name("call.html").read_text(encoding="utf-8"))
    assert root.only("p", "remark").text == said
    assert not root.every("audio")


@pytest.mark.parametrize("has_an_older_one", [False, True])
def test_a_recording_that_did_not_become_flac(timeline: Path, has_an_older_one: bool) -> None:
    named = {**RECORDING, "path": "call.flac"}
    timeline.write_text("".join(lines(named, OVER)), encoding="utf-8")
    if has_an_older_one:
        timeline.with_name("call.flac").write_bytes(b"fLaC of the call before")
    write_recording(timeline.with_name("call.flac.wav"), SILENCE)
    assert cli.main(["timeline", str(timeline)]) == 0
    root = read_page(timeline.with_name("call.html").read_text(encoding="utf-8"))
    assert len(root.every("svg", "wave")) == 2


def test_a_recording_that_is_none(timeline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    timeline.with_name("call.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    assert cli.main(["timeline", str(timeline)]) == 0
    assert "The recording call.wav is a damaged WAV file" in capsys.readouterr().out


def test_a_named_recording_must_be_there(
    timeline: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing.wav"
    said = failure(capsys, timeline, "--recording", missing)
    assert said == f"No such file or directory: {missing}"
    mono = write_recording(tmp_path / "mono.wav", SILENCE[:, :1])
    said = failure(capsys, timeline, "--recording", mono)
    assert said == f"{mono} has 1 channel(s), and that of a call two or more"
    assert not timeline.with_name("call.html").exists()


def test_a_recording_that_the_timeline_does_not_tell_of(
    timeline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    timeline.write_text("".join(lines(OVER)), encoding="utf-8")
    recording = write_recording(timeline.with_name("call.wav"), SILENCE)
    assert failure(capsys, timeline, "--recording", recording) == (
        f"{timeline} tells of no recording, so nobody knows when {recording} begins"
    )


def test_of_a_recordings_path_only_the_name_counts(
    timeline: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sub").mkdir()
    elsewhere = write_recording(tmp_path / "secret.wav", SILENCE)
    moved = Path(shutil.move(timeline, tmp_path / "sub"))
    for path in (f"../{elsewhere.name}", str(elsewhere), "..\\secret.wav", "..", ""):
        moved.write_text("".join(lines({**RECORDING, "path": path}, OVER)), encoding="utf-8")
        assert cli.main(["timeline", str(moved)]) == 0
        assert "The recording" in capsys.readouterr().out
        assert "<audio" not in moved.with_name("call.html").read_text(encoding="utf-8")


def test_what_is_no_timeline(timeline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    timeline.write_text("".join(lines({"kind": "note", "at": 1.0}, OVER)), encoding="utf-8")
    assert failure(capsys, timeline) == (
        f"{timeline} is no timeline that can be shown: line 2: 'text' is missing"
    )


def test_a_timeline_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "missing.jsonl"
    assert failure(capsys, missing) == f"No such file or directory: {missing}"


def test_where_nothing_can_be_written(
    timeline: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "nowhere" / "call.html"
    assert failure(capsys, timeline, "--output", page) == f"No such file or directory: {page}"


def test_what_the_page_is_made_from_is_kept(
    timeline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = write_recording(timeline.with_name("call.wav"), SILENCE)
    for kept in (timeline, recording):
        before = kept.read_bytes()
        assert failure(capsys, timeline, "--output", kept) == (
            f"cannot write {kept}: the page is made from it"
        )
        assert kept.read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such pipes")
def test_pipes_are_not_waited_for(
    timeline: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe = tmp_path / "call.wav"
    os.mkfifo(pipe)
    assert failure(capsys, timeline, "--recording", pipe) == f"{pipe} is no file"
    assert failure(capsys, timeline, "--output", pipe) == f"cannot write {pipe}: it is no file"
