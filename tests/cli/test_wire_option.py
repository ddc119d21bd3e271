"""`--wire` and WSS_WIRE: the generation of the exchange that a simulated call is on."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest
import trio

from examples import answer_messages, hand_over
from tests.support.agent_files import agent_file
from trio_calls import cli
from trio_calls.cli import rehearsal
from trio_calls.cli.outcome import Failure
from trio_calls.demo import runner, simulate
from trio_calls.simulator import Simulator, open_simulator

AGENT = """
import os

async def handle_call(call):
    print("the file reads", os.environ["WSS_WIRE"])
    await call.answer()
    await call.disconnect()
"""


@pytest.fixture(autouse=True)
def fresh(
    in_virtual_time: None, same_imports: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begin without a wire, in a folder for what is written, and with an example's only option."""
    monkeypatch.setenv("WSS_WIRE", "")
    monkeypatch.setattr(sys, "argv", ["an_example.py", "--simulate"])
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def simulators(monkeypatch: pytest.MonkeyPatch) -> list[Simulator]:
    """Keep the simulators that are opened, to look at what was said to them."""
    opened: list[Simulator] = []

    @asynccontextmanager
    async def open_and_keep(**settings: Any) -> AsyncIterator[Simulator]:
        async with open_simulator(**settings) as simulator:
            opened.append(simulator)
            yield simulator

    module: ModuleType
    for module in (rehearsal, runner, hand_over, answer_messages):
        monkeypatch.setattr(module, "open_simulator", open_and_keep)
    return opened


def spoken(simulators: list[Simulator]) -> str:
    """Return the wire on which the only simulator has offered something to an agent."""
    (simulator,) = simulators
    said = [entry.what.split()[0] for entry in simulator.transcript]
    is_first = "session.notify" in said
    is_second = "call.notify" in said or "msg.in" in said
    assert is_first is not is_second
    return "second" if is_second else "first"


@pytest.mark.parametrize(
    ("variable", "options", "wire"),
    [
        ("", [], "first"),
        ("second", [], "second"),
        ("first", ["--wire", "second"], "second"),
        ("second", ["--wire", "first"], "first"),
    ],
)
def test_run_simulates_the_wire_that_is_asked_for(
    *,
    variable: str,
    options: list[str],
    wire: str,
    tmp_path: Path,
    simulators: list[Simulator],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("WSS_WIRE", variable)
    assert cli.main(["run", agent_file(tmp_path, AGENT), "--simulate", *options]) == 0
    assert spoken(simulators) == wire
    printed = capsys.readouterr().out
    assert ("on the second wire\n" in printed) is (wire == "second")
    # Whoever makes a client of their own in that file reaches the same exchange.
    assert f"the file reads {wire if options else variable}\n" in printed


def simulate_in(module: Any) -> None:
    trio.run(module.simulate)


def demo() -> None:
    assert cli.main(["demo", "goodbye"]) == 0


def goodbye() -> None:
    with pytest.raises(SystemExit) as ended:
        simulate("examples/goodbye.py")
    assert ended.value.code == 0


EXAMPLES = [goodbye, partial(simulate_in, hand_over), partial(simulate_in, answer_messages)]


@pytest.mark.parametrize("script", [demo, *EXAMPLES])
def test_the_variable_is_for_whatever_simulates(
    script: Callable[[], None], simulators: list[Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WSS_WIRE", "second")
    script()
    assert spoken(simulators) == "second"


@pytest.mark.parametrize("script", EXAMPLES)
def test_examples_have_the_option_too(
    script: Callable[[], None], simulators: list[Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--wire", "second"])
    script()
    assert spoken(simulators) == "second"


def test_a_phone_has_an_exchange_of_that_wire(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def tell(**settings: Any) -> NoReturn:
        raise Failure(f"wire {settings['wire']}")

    monkeypatch.setattr("trio_calls.cli.phone.open_simulator", tell)
    assert cli.main(["phone", "examples.goodbye", "--no-open", "--wire", "second"]) == 1
    assert capsys.readouterr().err == "trio-calls phone: wire second\n"


@pytest.mark.parametrize("command", [["run", "x.py", "--simulate"], ["phone", "x.py"], ["demo"]])
def test_a_wire_that_is_none_is_one_sentence(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WSS_WIRE", "third")
    assert cli.main(command) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("wire (WSS_WIRE) must be one of ('first', 'second'), not 'third'")
    assert cli.main([*command, "--wire", "third"]) == 2
    assert "Invalid value for '--wire'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variable", "words", "status"),
    [
        ("third", [], "wire (WSS_WIRE) must be one of ('first', 'second'), not 'third'"),
        ("", ["--wire", "third"], 2),
    ],
)
def test_examples_refuse_a_wire_that_is_none(
    variable: str, words: list[str], status: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WSS_WIRE", variable)
    monkeypatch.setattr(sys, "argv", [*sys.argv, *words])
    with pytest.raises(SystemExit) as ended:
        trio.run(hand_over.simulate)
    assert ended.value.code == status
