"""Writes the page of a timeline beside it."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path, PureWindowsPath

import attrs

from trio_calls.voice._errors import TimelineError
from trio_calls.voice.timeline.json_lines import parse_timeline
from trio_calls.voice.timeline.page._loading import SoundError, load_sound
from trio_calls.voice.timeline.page._page import page
from trio_calls.voice.timeline.page._sound import Sound
from trio_calls.voice.timeline.page._story import Recorded, Story, story_of


@attrs.frozen
class WrittenPage:
    """A page that was written.

    Attributes:
      path: where.
      story: what it shows.
      remark: what is to say of recordings that are not in it; empty where nothing is.
    """

    path: Path
    story: Story
    remark: str


def write_page(
    timeline: Path, *, recording: Path | None = None, output: Path | None = None
) -> WrittenPage:
    """Write the page of a timeline, for its owner alone. It is there whole, or not at all.

    Args:
      timeline: the file of JSON lines.
      recording: the call's recording; None to look beside the timeline for the files that it names.
      output: where to write; None for the timeline's own name with ``.html``. What is there is
        replaced.

    Raises:
      TimelineError, SoundError: `timeline`, or the `recording` that was named, makes no sense. The
        message begins with the file's name.
      OSError: a file cannot be read or written.
      ValueError: `output` is the timeline, the recording, or no file.
    """
    path = timeline.with_suffix(".html") if output is None else output
    try:
        story = story_of(parse_timeline(timeline.read_bytes()))
    except TimelineError as error:
        raise TimelineError(f"{timeline} is no timeline that can be shown: {error}") from None
    if recording is not None and not story.recordings:
        raise SoundError(
            f"{timeline} tells of no recording, so nobody knows when {recording} begins"
        )
    _check_output(path, timeline, *_paths(story, timeline, recording))
    sounds, remarks = _load(story, timeline, recording, path)
    _replace(path, page(story, sounds, " ".join(remarks)))
    return WrittenPage(path, story, " ".join(remarks))


def _paths(story: Story, timeline: Path, recording: Path | None) -> list[Path]:
    """Return where each recording is. One that is named stands for that of its name, or the first.

    Of a path in the timeline only the file's name counts: somebody else may have written it.
    """
    paths = [
        _as_left(timeline.parent / PureWindowsPath(recorded.name).name)
        for recorded in story.recordings
    ]
    if recording is not None:
        names = [path.name for path in paths]
        paths[names.index(recording.name) if recording.name in names else 0] = recording
    return paths


def _as_left(path: Path) -> Path:
    """Return where a recording is that was to become FLAC or Opus, and did not come to it."""
    unfinished = path.with_name(f"{path.name}.wav") if path.name else path
    return unfinished if unfinished.exists() else path


def _load(
    story: Story, timeline: Path, recording: Path | None, page_path: Path
) -> tuple[list[Sound], list[str]]:
    sounds: list[Sound] = []
    remarks: list[str] = []
    for recorded, path in zip(story.recordings, _paths(story, timeline, recording), strict=True):
        try:
            sound = _load_one(recorded, path, page_path)
        except SoundError as error:
            if path is recording:
                raise SoundError(f"{path} {error}") from error
            remarks.append(f"The recording {path.name} {error}.")
        except OSError as error:
            if path is recording:
                raise
            remarks.append(
                f"The recording {path.name} is not beside the timeline: {error.strerror or error}."
            )
        else:
            sounds.append(sound)
            if not sound.is_embedded:
                remarks.append(f"The recording is played from {path.name}: keep it there.")
    return sounds, remarks


def _load_one(recorded: Recorded, path: Path, page_path: Path) -> Sound:
    # Opening a pipe would wait for its other end.
    if not stat.S_ISREG(path.stat().st_mode):
        raise SoundError("is no file")
    return load_sound(path, recorded.start, page_path)


def _check_output(output: Path, *inputs: Path) -> None:
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(output.stat().st_mode):
            raise ValueError(f"cannot write {output}: it is no file")
        for path in inputs:
            if path.exists() and path.samefile(output):
                raise ValueError(f"cannot write {output}: the page is made from it")


def _replace(path: Path, content: str) -> None:
    # Numbers, words and voices of people: such a file is its owner's alone from the start.
    try:
        descriptor, name = tempfile.mkstemp(prefix=".trio-calls-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.write(content)
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        # Nobody has asked for a file of the other name.
        raise OSError(error.errno, error.strerror, str(path)) from error
