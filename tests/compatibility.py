"""Runs the tests on every CPython that is found here, and with the lowest versions allowed.

``make compat``, or ``python -m tests.compatibility [arguments of pytest]``. What could not be run
is named at the end. Each environment is made anew, in ``build/compat``, by uv.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = CHECKOUT / "build" / "compat"
WANTED = ["3.11", "3.12", "3.13", "3.14"]
#: What an interpreter says of itself, if it really starts: a shim of pyenv's may not.
PROBE = (
    "import json, sys; "
    "print(json.dumps([sys.implementation.name, '%d.%d' % sys.version_info[:2], sys.executable]))"
)


class Run(NamedTuple):
    """One run of the tests: on which Python, and with which versions of what it needs."""

    name: str
    python: str
    resolution: str


def candidates() -> Iterator[str]:
    """Find what may be an interpreter: this one, on the path, and pyenv's."""
    yield sys.executable
    for version in WANTED:
        on_path = shutil.which(f"python{version}")
        if on_path is not None:
            yield on_path
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob("versions/*/bin/python")))


def probe(python: str) -> tuple[str, str] | None:
    """Ask an interpreter for its version and its place; None if it is no CPython that starts."""
    try:
        answer = subprocess.run(
            [python, "-c", PROBE], capture_output=True, text=True, timeout=20, check=True
        )
        implementation, version, executable = json.loads(answer.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return (version, executable) if implementation == "cpython" else None


def plan() -> list[Run]:
    """Plan a run for each version that is found, and one with the lowest of everything."""
    found: dict[str, str] = {}
    for python in candidates():
        answer = probe(python)
        if answer is not None:
            found.setdefault(*answer)
    runs = [Run(version, found[version], "highest") for version in WANTED if version in found]
    if runs:
        runs.append(Run(f"{runs[0].name}-lowest", runs[0].python, "lowest-direct"))
    return runs


def carry_out(run: Run, arguments: list[str]) -> bool:
    """Make the environment of a run, and run the tests in it. Returns whether all passed."""
    environment = ENVIRONMENTS / run.name
    uv = [sys.executable, "-m", "uv"]
    python = str(environment / "bin" / "python")
    install = [*uv, "pip", "install", "--quiet", "--python", python]
    tests = [python, "-m", "pytest", "--numprocesses", "auto", "--dist", "worksteal"]
    print(f"{run.name}: {run.python}", flush=True)
    # Elsewhere each wire is tried over one transport only: see `tests.support.wires`.
    environ = {"TRIO_CALLS_ALL_PAIRS": "yes", **os.environ}
    return all(
        subprocess.run(command, cwd=CHECKOUT, env=environ, check=False).returncode == 0
        for command in (
            [*uv, "venv", "--quiet", "--clear", "--python", run.python, str(environment)],
            [*install, "--resolution", run.resolution, "--editable", ".[dev]"],
            [*tests, "-p", "no:cacheprovider", *arguments],
        )
    )


def main(arguments: list[str]) -> int:
    """Carry out all runs, and say what came of each. Returns the exit status."""
    runs = plan()
    passed = {run.name: carry_out(run, arguments) for run in runs}
    for name, is_well in passed.items():
        print(f"{name}: {'passed' if is_well else 'FAILED'}")
    for version in WANTED:
        if version not in passed:
            print(f"{version}: not run, as no CPython {version} that starts was found")
    return 0 if passed and all(passed.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
