"""``python -m fuzz codec``: look for input that breaks a property, guided by coverage.

``python -m fuzz codec fuzz/crashes/…`` checks one input, and needs no atheris.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

FOLDER: Final = Path(__file__).parent
CRASHES: Final = FOLDER / "crashes"
TARGETS: Final = ("codec", "documents", "call_protocol", "audio_frames")

_MAX_INPUT_BYTES = 1024
_LONGEST_SECONDS = 5
_MOST_MEGABYTES = 1024


def main() -> None:
    """Replay the inputs that are named, or look for new ones."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60, help="for how long (60)")
    parser.add_argument("input", nargs="*", type=Path, help="saved input to check again")
    arguments = parser.parse_args()
    if arguments.input:
        replay(arguments.target, arguments.input)
    else:
        search(arguments.target, arguments.seconds)


def replay(target: str, paths: list[Path]) -> None:
    """Check saved inputs. The first that fails raises."""
    module = importlib.import_module(f"fuzz.{target}")
    for path in paths:
        module.check(path.read_bytes())
        print(f"{path}: nothing is amiss")


def search(target: str, seconds: int) -> None:
    """Run atheris for so many seconds; it exits the process."""
    import atheris  # noqa: PLC0415  (nothing else here needs it)

    # Only what is imported in this block tells atheris where an input has led.
    with atheris.instrument_imports(include=["trio_calls"]):
        module = importlib.import_module(f"fuzz.{target}")
    CRASHES.mkdir(exist_ok=True)
    prefix = CRASHES / f"{target}-"

    def test_one_input(data: bytes) -> None:
        try:
            module.check(data)
        except BaseException:
            name = f"{prefix}crash-{hashlib.sha1(data).hexdigest()}"
            print(f"\nreplay it with: python -m fuzz {target} {name}", file=sys.stderr)
            raise

    corpus = write_corpus(target, module)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={_MAX_INPUT_BYTES}",
        f"-timeout={_LONGEST_SECONDS}",
        f"-rss_limit_mb={_MOST_MEGABYTES}",
        f"-artifact_prefix={prefix}",
        f"-dict={write_words(target, module)}",
        "-print_final_stats=1",
        str(corpus),
    ]
    atheris.Setup([sys.argv[0], *options], test_one_input)
    atheris.Fuzz()


def write_corpus(target: str, module: ModuleType) -> Path:
    """Write real frames to begin with, beside what earlier runs have found worth keeping."""
    corpus = FOLDER / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(module.seeds()):
        (corpus / f"seed-{number:02}").write_bytes(seed)
    return corpus


def write_words(target: str, module: ModuleType) -> Path:
    """Write down the words of the wire, which a search would not come upon by chance."""
    path = FOLDER / "corpus" / f"{target}.words"
    lines = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in module.words())
    path.write_text("".join(f'"{line}"\n' for line in lines), encoding="ascii")
    return path


if __name__ == "__main__":
    main()
