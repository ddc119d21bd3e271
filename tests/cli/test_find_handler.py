"""What `trio-calls run` takes for the handler."""

from pathlib import Path

import pytest

from tests.support.agent_files import agent_file
from trio_calls import cli
from trio_calls.cli.find_handler import Handlers, find_handler, find_handlers
from trio_calls.cli.outcome import Failure

ONE = "async def serve(call: ActiveCall) -> None: ...\n"
IMPORT = "from trio_calls import ActiveCall\n"


@pytest.mark.parametrize(
    ("source", "suffix", "expected"),
    [
        ("async def handle_call(call): ...\nasync def other(call): ...", "", "handle_call"),
        (IMPORT + ONE + "async def say(text: str) -> None: ...", "", "serve"),
        ("from __future__ import annotations\n" + IMPORT + ONE, "", "serve"),
        (
            "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING: from trio_calls import ActiveCall\n" + ONE,
            "",
            "serve",
        ),
        (IMPORT + ONE + "async def say(call: ActiveCall, text: str) -> None: ...", "", "serve"),
        ("async def first(call): ...\ndef second(call): ...", ":second", "second"),
    ],
)
def test_the_handler_of_a_file(source: str, suffix: str, expected: str, tmp_path: Path) -> None:
    handler = find_handler(agent_file(tmp_path, source) + suffix)
    assert getattr(handler, "__name__", None) == expected


TALK = "async def talk(conversation: Conversation, style: str = '') -> None: ...\n"
BOTH = "from trio_calls.sessions import Conversation\n" + IMPORT


@pytest.mark.parametrize(
    ("source", "suffix", "expected"),
    [
        (BOTH + ONE + TALK, "", ("serve", "talk")),
        (BOTH + ONE + TALK, ":serve", ("serve", None)),
        (BOTH + ONE + TALK, ":talk", (None, "talk")),
        (BOTH + TALK, "", (None, "talk")),
        (
            BOTH + TALK + "async def handle_conversation(conversation): ...",
            "",
            (None, "handle_conversation"),
        ),
        (
            BOTH + TALK + "async def send(conversation: Conversation, text: str) -> None: ...",
            "",
            (None, "talk"),
        ),
    ],
)
def test_the_handler_of_messages(
    source: str, suffix: str, expected: tuple[str | None, str | None], tmp_path: Path
) -> None:
    found = find_handlers(agent_file(tmp_path, source) + suffix)
    names = [getattr(handler, "__name__", None) for handler in (found.calls, found.messages)]
    assert tuple(names) == expected


def test_what_is_taken_is_said() -> None:
    assert str(Handlers(print)) == "calls"
    assert str(Handlers(messages=print)) == "messages"
    assert str(Handlers(print, print)) == "calls and messages"


def test_messages_alone_cannot_be_rung(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"takes the calls.*there is no handle_call"):
        find_handler(agent_file(tmp_path, BOTH + TALK))


def test_the_handler_of_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    agent_file(tmp_path, "async def handle_call(call): ...", "some_agents.py")
    assert find_handler("some_agents").__module__ == "some_agents"
    assert find_handler("some_agents:handle_call").__module__ == "some_agents"


def test_a_file_can_import_what_lies_beside_it(tmp_path: Path) -> None:
    agent_file(tmp_path, IMPORT + ONE.replace("serve", "handle_call"), "shared_by_agents.py")
    target = agent_file(tmp_path, "from shared_by_agents import handle_call", "json.py")
    assert find_handler(target).__module__ == "shared_by_agents"


@pytest.mark.parametrize(
    ("source", "suffix", "complaint"),
    [
        (IMPORT + ONE + ONE.replace("serve", "other"), "", "there are serve, other"),
        (BOTH + TALK + TALK.replace("talk", "chat"), "", "there are talk, chat"),
        ("x = 1", "", "there is no handle_call"),
        ("x = 1", ":x", "has no function x"),
        ("import not_to_be_found", "", "No module named 'not_to_be_found'"),
        ("def (", "", "SyntaxError"),
        ("\n1 / 0", "", "ZeroDivisionError: division by zero ("),
    ],
)
def test_a_file_without_a_handler(
    source: str, suffix: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["run", agent_file(tmp_path, source) + suffix]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("trio-calls run: ")
    assert complaint in line


def test_a_file_of_a_package_in_this_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    agents = tmp_path / "some_desks"
    agents.mkdir()
    agent_file(agents, "GREETING = 'Hello'", "some_words.py")
    source = "from some_desks.some_words import GREETING\nasync def handle_call(call): ..."
    assert getattr(find_handler(agent_file(agents, source)), "__name__", None) == "handle_call"


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("missing.py", "there is no file missing.py"),
        ("no_such_module", "there is no module no_such_module"),
        ("no_such.module:serve", "there is no module no_such.module"),
        ("some/folder", "neither a Python file nor the name of a module"),
        ("broken_agents", "cannot be loaded: ModuleNotFoundError"),
        ("failing_agents", "cannot be loaded: ZeroDivisionError"),
    ],
)
def test_a_target_that_is_not_there(
    target: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    agent_file(tmp_path, "import not_to_be_found", "broken_agents.py")
    agent_file(tmp_path, "1 / 0", "failing_agents.py")
    with pytest.raises(Failure, match=complaint):
        find_handler(target)
