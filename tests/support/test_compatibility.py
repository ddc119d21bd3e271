"""What ``make compat`` takes for an interpreter."""

import sys
from pathlib import Path

import pytest

from tests import compatibility

pytestmark = pytest.mark.pure


def write_script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_this_python_starts() -> None:
    answer = compatibility.probe(sys.executable)
    assert answer is not None
    version, executable = answer
    assert version == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert Path(executable).exists()


def test_a_shim_that_fails_is_no_interpreter(tmp_path: Path) -> None:
    shim = write_script(tmp_path / "python3.14", "echo not installed >&2; exit 127")
    assert compatibility.probe(shim) is None
    assert compatibility.probe(str(tmp_path / "missing")) is None
    assert compatibility.probe(write_script(tmp_path / "chatty", "echo hello")) is None


def test_another_implementation_is_not_meant(tmp_path: Path) -> None:
    pypy = write_script(tmp_path / "pypy", """echo '["pypy", "3.11", "/pypy"]'""")
    assert compatibility.probe(pypy) is None


def test_each_version_runs_once_and_the_oldest_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"a": ("3.12", "/a"), "b": None, "c": ("3.12", "/c"), "d": ("3.11", "/d")}
    monkeypatch.setattr(compatibility, "candidates", lambda: iter([*answers, "e"]))
    monkeypatch.setattr(compatibility, "probe", answers.get)
    assert compatibility.plan() == [
        ("3.11", "/d", "highest"),
        ("3.12", "/a", "highest"),
        ("3.11-lowest", "/d", "lowest-direct"),
    ]


def test_what_was_not_run_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compatibility, "plan", lambda: [compatibility.Run("3.11", "/d", "highest")])
    monkeypatch.setattr(compatibility, "carry_out", lambda run, arguments: False)
    assert compatibility.main([]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "3.11: FAILED",
        "3.12: not run, as no CPython 3.12 that starts was found",
        "3.13: not run, as no CPython 3.13 that starts was found",
        "3.14: not run, as no CPython 3.14 that starts was found",
    ]
