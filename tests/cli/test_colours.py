"""Colours are for terminals, and not for those who have said that they want none."""

import re

import pytest

from tests.support.processes import one_after_another, running, sections

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


@pytest.mark.parametrize("wish", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
async def test_no_command_prints_unwanted_colours(wish: dict[str, str]) -> None:
    variables = {**SETTINGS, "NO_COLOR": "", **wish}
    program = one_after_another(*COMMANDS)
    async with running(program=program, variables=variables, terminal=True) as process:
        await process.wait_status()
        printed = sections(process.output)
        assert len(printed) == len(COMMANDS)
        assert all(printed)
        assert COLOUR.findall(b"".join(process.pieces)) == []


async def test_a_terminal_is_shown_colours() -> None:
    variables = {**SETTINGS, "NO_COLOR": ""}
    async with running("check", variables=variables, terminal=True) as process:
        await process.wait_status()
        assert COLOUR.findall(b"".join(process.pieces))


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
