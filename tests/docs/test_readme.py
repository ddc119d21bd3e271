"""What README.md and the page on settings say is true of the checkout."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
import trio.testing

from trio_calls import ActiveCall, CallState, serve_calls
from trio_calls.audio import find, noise
from trio_calls.config import _ENVIRONMENT, _OTHER_NAMES, PRODUCTION_URLS
from trio_calls.demo import STORIES, Story
from trio_calls.simulator import open_simulator

pytestmark = [pytest.mark.pure, pytest.mark.slow]

CHECKOUT = Path(__file__).resolve().parents[2]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
EXAMPLES_README = (CHECKOUT / "examples" / "README.md").read_text(encoding="utf-8")
SETTINGS = (CHECKOUT / "docs" / "reference" / "settings.rst").read_text(encoding="utf-8")
EXAMPLES = sorted((CHECKOUT / "examples").glob("*.py"))


def agent_source() -> str:
    match = re.search(
        r"<!-- run by tests/docs/test_readme.py -->\n```python\n(.*?)```", README, re.S
    )
    assert match is not None
    return match[1]


def agent_handler() -> Callable[[ActiveCall], Awaitable[None]]:
    module: dict[str, object] = {"__name__": "agent_of_the_readme"}
    exec(compile(agent_source(), "README.md", "exec"), module)
    handler = module["handle_call"]
    assert callable(handler)
    return handler


def test_agent_is_as_short_as_it_says() -> None:
    assert "in 15 lines" in README
    assert len(agent_source().splitlines()) <= 15


async def test_agent_says_back_what_it_hears(autojump_clock: trio.testing.MockClock) -> None:
    question = noise(seconds=1, sample_rate=24000, seed=1)
    async with open_simulator() as simulator, trio.open_nursery() as nursery:
        await nursery.start(serve_calls, agent_handler(), simulator.config)
        call = simulator.place_call()
        await call.caller.say(question)
        await trio.sleep(1)
        call.caller.hang_up()
        await call.wait_ended()
        nursery.cancel_scope.cancel()

    assert call.agent_states == [CallState.PENDING, CallState.ANSWERED, CallState.DISCONNECTED]
    assert find(question, call.caller.heard).correlation > 0.99
    assert not simulator.violations


def test_test_passes(pytester: pytest.Pytester) -> None:
    match = re.search(r"<!-- run as a test by \S+ -->\n```python\n(.*?)```", README, re.S)
    assert match is not None
    pytester.makepyfile(match[1])
    speech = CHECKOUT / "examples" / "speech"
    pytester.makeini(f"[pytest]\ntrio_mode = true\ntrio_calls_audio = {speech}\n")
    result = pytester.runpytest_inprocess("-p", "trio_calls.testing.plugin")
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_mentioned(example: Path) -> None:
    assert f"[{example.name}](examples/{example.name})" in README
    assert f"[`{example.name}`]({example.name})" in EXAMPLES_README


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_flows_are_those_of_the_demo(story: Story) -> None:
    (row,) = (line for line in README.splitlines() if line.startswith(f"| [{story.name}.py]"))
    assert row.split("|")[-2].strip() == " → ".join(state.name for state in story.states)


@pytest.mark.parametrize("variable", [*_ENVIRONMENT.values(), *_OTHER_NAMES.values()])
def test_environment_is_described(variable: str) -> None:
    assert f"``{variable}``" in SETTINGS


@pytest.mark.parametrize("url", PRODUCTION_URLS.values())
def test_exchanges_are_named(url: str) -> None:
    assert f"``{url}``" in SETTINGS


@pytest.mark.parametrize("folder", [".", "examples"])
def test_links_lead_somewhere(folder: str) -> None:
    text = (CHECKOUT / folder / "README.md").read_text(encoding="utf-8")
    targets = [
        target for target in re.findall(r"\]\(([^)]+)\)", text) if not target.startswith("https://")
    ]
    assert targets
    assert [target for target in targets if not (CHECKOUT / folder / target).exists()] == []


def test_commands_are_targets_of_the_makefile() -> None:
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    commands = set(re.findall(r"`make (\w+)`", README))
    assert {"demo", "test"} <= commands
    assert [command for command in commands if f"\n{command}: " not in makefile] == []


def test_the_environment_is_activated_once() -> None:
    assert re.findall(r"\.venv/bin/(\w+)", README) == ["activate"]
    assert README.index(".venv/bin/activate") < README.index("trio-calls run")
