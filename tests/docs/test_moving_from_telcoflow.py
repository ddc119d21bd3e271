"""The page on moving has every public name of telcoflow, and the programs beside it run."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import telcoflow
import telcoflow.exceptions
import telcoflow.messages
import trio

from tests.docs.test_voice_pages import load
from trio_calls import CallState
from trio_calls.audio import find, noise
from trio_calls.simulator import PhoneState, Pickup, Simulator, answers, never_answers

pytestmark = pytest.mark.pure

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "moving-from-telcoflow.rst"

moving, choosing = load("moving"), load("choosing")


def members_of(kind: type) -> Iterator[str]:
    if issubclass(kind, enum.Enum):
        yield from kind.__members__
    else:
        names = {*vars(kind), *inspect.get_annotations(kind), *set_on_instances(kind)}
        yield from (name for name in names if not name.startswith("_"))


def set_on_instances(kind: type) -> set[str]:
    """What its `__init__` sets, where somebody has written one."""
    init = vars(kind).get("__init__")
    if init is None or dataclasses.is_dataclass(kind):
        return set()
    return set(re.findall(r"self\.(\w+) = ", inspect.getsource(init)))


def public_names() -> set[str]:
    classes = {name: getattr(telcoflow, name) for name in telcoflow.__all__}
    # Documented, and imported from their modules.
    for module in (telcoflow.exceptions, telcoflow.messages):
        classes |= {
            name: member
            for name, member in vars(module).items()
            if inspect.isclass(member) and member.__module__ == module.__name__
        }
    names = set(classes)
    for name, member in classes.items():
        if inspect.isclass(member) and not issubclass(member, Exception) and name[0] != "_":
            names |= {f"{name}.{attribute}" for attribute in members_of(member)}
    return names


def test_every_public_name_is_on_the_page() -> None:
    shown = set(re.findall(r"``([\w.]+)``", PAGE.read_text(encoding="utf-8")))
    names = public_names()
    assert len(names) > 150
    assert sorted(names - shown) == []


def test_the_page_names_nothing_else_of_it() -> None:
    rows = re.findall(r"^   \* - (.*?)\n     - ", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    shown = {name for row in rows for name in re.findall(r"``([A-Z]\w+\.\w+)``", row)}
    assert len(shown) > 100
    assert sorted(shown - public_names()) == []


@pytest.mark.parametrize("pickup", [answers(after_seconds=1), never_answers()])
async def test_the_program_that_moved(simulator: Simulator, pickup: Pickup) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(moving.main, simulator.config)
        call = simulator.place_call(pickup=pickup)
        await call.caller.wait_talking()
        speech = noise(1, 24_000, seed=1)
        await call.caller.say(speech)
        await call.wait_agent_left()
        assert find(speech, call.caller.heard).correlation > 0.99
        is_connected = CallState.CONNECTED in call.agent_states
        assert is_connected is pickup.answers
        assert call.ended is not is_connected
        nursery.cancel_scope.cancel()


async def test_a_worker_that_only_helps(simulator: Simulator) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(choosing.help_sales, simulator.config)
        sales = simulator.place_call(callee=choosing.SALES)
        other = simulator.place_call(callee="+65 6333 0000")
        await trio.sleep(3)
        assert sales.caller.state is PhoneState.TALKING
        assert other.caller.state is PhoneState.CALLING
        nursery.cancel_scope.cancel()
