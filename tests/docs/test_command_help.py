"""The reference shows the help of every command as it is printed."""

import pytest

from docs import command_help
from trio_calls import cli

pytestmark = pytest.mark.pure


def letters(text: str) -> str:
    """The text without its layout, which changes with the terminal and with click."""
    return "".join(text.split())


def test_the_page_is_current() -> None:
    page = command_help.PAGE.read_text(encoding="utf-8")
    assert letters(page) == letters(command_help.page()), "run `python docs/command_help.py`"


@pytest.mark.parametrize("name", tuple(command_help.names()))
def test_it_is_what_the_command_prints(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*name.split(), "--help"]) == 0
    assert letters(capsys.readouterr().out) == letters(command_help.help_of(name))
    assert f"trio-calls {name}" in command_help.page()
