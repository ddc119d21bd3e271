"""Colours are for terminals, and not for those who have said that they want none."""

import re

import pytest

from tests.support.processes import running

pytestmark = pytest.mark.slow

#: Foreground or background, of 8, 16, 256 or all colours.
COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:[349][0-7]|10[0-7]|[34]8;[0-9;]+)(?:;[0-9;]*)?m")

SETTINGS = {
    "WSS_API_KEY": "simulated-key",
    "WSS_CONNECTOR_UUID": "simulated-connector",
    "WSS_BASE_URL": "ws://127.0.0.1:1",
}
COMMANDS = (
    ["check"],
    ["dial", "--url", "ws://127.0.0.1:1"],
    ["run", "examples/goodbye.py"],
    ["demo", "--nonsense"],
    ["--help"],
)


async def colours_of(*arguments: str, **variables: str) -> list[bytes]:
    variables = {**SETTINGS, "NO_COLOR": "", **variables}
    async with running(*arguments, variables=variables, terminal=True) as command:
        await command.wait_status()
        assert command.output
        return COLOUR.findall(b"".join(command.pieces))


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
async def test_no_command_prints_unwanted_colours(
    arguments: list[str], variables: dict[str, str]
) -> None:
    assert await colours_of(*arguments, **variables) == []


async def test_a_terminal_is_shown_colours() -> None:
    assert await colours_of("check")


@pytest.mark.parametrize(("wish", "has_colours"), [("1", False), ("", True)])
async def test_the_live_view_heeds_it(wish: str, has_colours: bool) -> None:
    variables = {"NO_COLOR": wish}
    async with running("simulator", "--port", "0", variables=variables, terminal=True) as simulator:
        url = (await simulator.wait_for(r"WSS_BASE_URL=(\S+)\s"))[1]
        settings = {**SETTINGS, "WSS_BASE_URL": url}
        async with running("run", "examples/direct_routing.py", variables=settings) as agent:
            await agent.wait_for("serving")
            async with running("dial", "--url", url, "--ring-for", "20"):
                await simulator.wait_for("CONNECTED")
        await simulator.wait_for("over")
        assert bool(COLOUR.findall(b"".join(simulator.pieces))) is has_colours
