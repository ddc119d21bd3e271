"""Records the calls of the book that are worth hearing: `python docs/book_recordings.py`.

A recording has both voices, as somebody at Ada's telephone would hear them.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Final

import soundfile

CHECKOUT: Final = Path(__file__).resolve().parent.parent
# Run as a script, this records what is in the checkout that it is in.
sys.path.insert(0, str(CHECKOUT))

from examples.book.stage import SAMPLE_RATE, Scene, run  # noqa: E402
from trio_calls.audio import mix, to_samples  # noqa: E402

FOLDER: Final = CHECKOUT / "docs" / "_static" / "book"

#: The program of a chapter, with what Ada does, and the versions to record.
RECORDED: Final = (
    ("leaving", "ada_waits", ("nobody_waits", "the_block_waits")),
    ("interrupting", "ada_interrupts", ("cancels_everything", "cancels_what_talks")),
    ("in_time", "ada_listens", ("waits_as_long_as_it_takes", "has_a_limit")),
    ("cleaning_up", "ada_stays", ("says_goodbye_too_late", "says_goodbye_behind_a_shield")),
    ("failing", "ada_stays", ("catches_nothing", "catches_what_is_in_the_group")),
    ("channels", "ada_asks", ("everything_waits", "little_waits")),
)


def recording(version: str) -> Path:
    """Return the file of a recording."""
    return FOLDER / f"{version}.opus"


def record(scene: Scene, file: Path) -> None:
    """Record the call of a scene."""
    phone = scene.call.caller
    both = mix(to_samples(phone.heard), to_samples(phone.said))
    soundfile.write(file, both, SAMPLE_RATE, format="OGG", subtype="OPUS")


def main() -> None:
    """Record all of them."""
    FOLDER.mkdir(exist_ok=True)
    for name, act, versions in RECORDED:
        program = importlib.import_module(f"examples.book.{name}")
        for version in versions:
            record(run(getattr(program, version), getattr(program, act)), recording(version))


if __name__ == "__main__":
    main()
