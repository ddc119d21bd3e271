"""Commands and examples print on terminals that know few characters."""

import sys
from collections.abc import Awaitable, Callable

import pytest
import trio

from tests.support.processes import finished, one_after_another, running, sections

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
COMMANDS = {
    "+ settings": ["check"],
    "export WSS_API_KEY=": ["check", "--help"],
    "no connection to 127.0.0.1:1": ["dial", "--url", "ws://127.0.0.1:1"],
}


async def run_an_example(name: str) -> None:
    program = [sys.executable, "examples/goodbye.py", "--simulate"]
    async with running(
        program=program, variables=SURROUNDINGS[name], terminal=name == "ascii"
    ) as example:
        assert await example.wait_status() == 0
    assert "\n  + PENDING -> ANSWERED -> DISCONNECTED\n" in example.output.replace("\r", "")


async def run_the_demo(name: str) -> None:
    status, printed = await finished(
        "demo", "goodbye", variables=SURROUNDINGS[name], terminal=name != "cp1252"
    )
    assert status == 0
    assert "+ the caller heard goodbye" in printed


@pytest.mark.parametrize("run", [run_an_example, run_the_demo])
async def test_a_story_prints(run: Callable[[str], Awaitable[None]]) -> None:
    # At the same time: each of them talks for some seconds.
    async with trio.open_nursery() as nursery:
        for name in SURROUNDINGS:
            nursery.start_soon(run, name)


@pytest.mark.parametrize("name", SURROUNDINGS)
@pytest.mark.parametrize("terminal", [True, False])
async def test_commands_print(name: str, terminal: bool) -> None:
    variables = {**SETTINGS, **SURROUNDINGS[name]}
    program = one_after_another(*COMMANDS.values())
    async with running(program=program, variables=variables, terminal=terminal) as process:
        await process.wait_status()
    for words, printed in zip(COMMANDS, sections(process.output), strict=True):
        assert words in printed
