"""The command as a whole: without its extra, and without arguments."""

import sys

import pytest

from trio_calls import __version__, cli


@pytest.mark.parametrize("missing", ["click", "rich", "soxr"])
def test_without_the_extra_it_says_what_to_install(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    assert cli.main(["demo"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        "the command needs more than the SDK: install the extra 'cli' of trio-calls\n"
    )


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"trio-calls {__version__}\n"


def test_help_has_every_command_and_a_first_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    printed = capsys.readouterr().out
    for command in ("simulator", "run", "dial", "check", "demo", "timeline"):
        assert f"\n  {command} " in printed
    assert "in three terminals" in printed


@pytest.mark.parametrize("arguments", [["nonsense"], ["run"], ["dial", "--nonsense"]])
def test_what_makes_no_sense_is_exit_status_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    assert "Usage: trio-calls" in capsys.readouterr().err
