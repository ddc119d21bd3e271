"""Commands and examples print on terminals that know few characters."""

import sys

import pytest

from tests.support.processes import finished, running

pytestmark = pytest.mark.slow

NO_LOCALE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": ""}
SURROUNDINGS = {
    "ascii": {"PYTHONIOENCODING": "ascii:strict"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "no-locale": NO_LOCALE,
}
SETTINGS = {
    "WSS_API_KEY": "simulated-key",
    "WSS_CONNECTOR_UUID": "simulated-connector",
    "WSS_BASE_URL": "ws://127.0.0.1:1",
}
each_surrounding = pytest.mark.parametrize("name", SURROUNDINGS)
on_a_terminal_or_not = pytest.mark.parametrize("terminal", [True, False])


@each_surrounding
async def test_an_example_runs_its_story(name: str) -> None:
    program = [sys.executable, "examples/goodbye.py", "--simulate"]
    async with running(
        program=program, variables=SURROUNDINGS[name], terminal=name == "ascii"
    ) as example:
        assert await example.wait_status() == 0
    assert "\n  + PENDING -> ANSWERED -> DISCONNECTED\n" in example.output.replace("\r", "")


@each_surrounding
@on_a_terminal_or_not
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check"], "+ settings"),
        (["check", "--help"], "export WSS_API_KEY="),
        (["dial", "--url", "ws://127.0.0.1:1"], "no connection to 127.0.0.1:1"),
    ],
)
async def test_a_command_prints(
    arguments: list[str], words: str, name: str, terminal: bool
) -> None:
    variables = {**SETTINGS, **SURROUNDINGS[name]}
    _, printed = await finished(*arguments, variables=variables, terminal=terminal)
    assert words in printed


@each_surrounding
async def test_the_demo_prints(name: str) -> None:
    status, printed = await finished(
        "demo", "goodbye", variables=SURROUNDINGS[name], terminal=name != "cp1252"
    )
    assert status == 0
    assert "+ the caller heard goodbye" in printed
