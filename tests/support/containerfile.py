"""Runs the steps of a Containerfile without a container engine: in a folder that stands for ``/``.

Only what is in exec form can be run like that. Python is there, and nothing else of a base image.
Paths that begin with ``/`` are meant to be in the folder.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

#: What stands for the ``python`` of the base image.
PYTHON = Path(getattr(sys, "_base_executable", sys.executable))


@attrs.frozen
class Instruction:
    """A line of a Containerfile.

    Attributes:
      name: in capitals.
      words: what follows it: those of a list in JSON, or those of a line.
      options: those that begin with ``--``, without it.
      is_exec: whether it is a list in JSON.
    """

    name: str
    words: list[str]
    options: dict[str, str]
    is_exec: bool


def parse(text: str) -> list[Instruction]:
    """Take a Containerfile apart. It has no continued lines."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [_parse_line(line) for line in lines]


def _parse_line(line: str) -> Instruction:
    name, _, rest = line.partition(" ")
    if rest.startswith("["):
        return Instruction(name, json.loads(rest), {}, is_exec=True)
    words = shlex.split(rest)
    marked = [word for word in words if word.startswith("--")]
    options = dict(word.removeprefix("--").split("=", 1) for word in marked)
    return Instruction(name, [word for word in words if word not in marked], options, is_exec=False)


@attrs.define
class Image:
    """What a build comes to.

    Attributes:
      root: the folder that stands for ``/``.
      folder: where commands start.
      environment: all that they get.
      command: the entry point, and its arguments.
    """

    root: Path
    folder: str = "/"
    environment: dict[str, str] = attrs.field(factory=dict)
    entry_point: list[str] = attrs.field(factory=list)
    arguments: list[str] = attrs.field(factory=list)

    def inside(self, path: str) -> Path:
        """Return where a path of the image is."""
        return self.root / Path(self.folder, path).relative_to("/")

    def words(self, words: Sequence[str]) -> list[str]:
        """Return a command with its paths where they are."""
        return [str(self.root) + word if word.startswith("/") else word for word in words]

    def variables(self) -> dict[str, str]:
        """Return its environment, with paths where they are."""
        path = os.pathsep.join(self.words(self.environment.get("PATH", "").split(os.pathsep)))
        return {**self.environment, "PATH": path}


def build(text: str, context: Path, folder: Path, variables: Mapping[str, str]) -> Image:
    """Run the steps, one stage after the other, in the same place.

    Args:
      text: the Containerfile.
      context: what is copied from.
      folder: an empty folder for everything.
      variables: for the steps, which get nothing else of this process's environment.
    """
    stages: dict[str, Path] = {}
    image, stage = Image(folder / "root"), ""
    for one in parse(text):
        match one.name:
            case "FROM":
                if image.root.exists():
                    # Scripts name the place in which they were installed: each stage is there.
                    image.root.rename(folder / stage)
                    stages[stage] = folder / stage
                image = Image(folder / "root")
                image.root.mkdir()
                stage = one.words[2] if one.words[1:2] == ["AS"] else "last"
            case "WORKDIR":
                image.folder = str(Path(image.folder, one.words[0]))
                image.inside(".").mkdir(parents=True, exist_ok=True)
            case "COPY":
                source = stages[one.options["from"]] if "from" in one.options else context
                *sources, target = one.words
                for name in sources:
                    _copy(source / name.lstrip("/"), image.inside(target), target.endswith("/"))
            case "RUN":
                program, *rest = image.words(one.words)
                program = str(PYTHON) if program == "python" else program
                done = subprocess.run(
                    [program, *rest],
                    cwd=image.inside("."),
                    env={"PATH": "", **variables},
                    check=False,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    encoding="utf-8",
                )
                assert done.returncode == 0, done.stdout
            case "ENV":
                image.environment |= dict(word.split("=", 1) for word in one.words)
            case "ENTRYPOINT":
                image.entry_point = one.words
            case "CMD":
                image.arguments = one.words
            case "USER" | "EXPOSE" | "STOPSIGNAL":
                pass
            case unknown:
                raise ValueError(f"nobody knows here what {unknown} does")
    return image


def _copy(source: Path, target: Path, is_folder: bool) -> None:
    if source.is_dir():
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=ignored)
        return
    if is_folder:
        target /= source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
