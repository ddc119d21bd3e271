"""The documentation shows the table that the package uses."""

import re
from pathlib import Path

import pytest

from docs import state_pictures
from trio_calls.state import TRANSITIONS, CallState, Signal

pytestmark = pytest.mark.pure

CHECKOUT = Path(__file__).resolve().parents[2]
ADVICE = "run `python docs/state_pictures.py`"


def test_tables_are_current() -> None:
    page = state_pictures.PAGE.read_text(encoding="utf-8")
    assert state_pictures.with_section(page) == page, ADVICE


def test_diagram_is_current() -> None:
    assert state_pictures.DIAGRAM.read_text(encoding="utf-8") == state_pictures.svg(), ADVICE


def test_diagram_is_shown() -> None:
    page = CHECKOUT / "docs" / "explanation" / "life-of-a-call.rst"
    (shown,) = re.findall(r":file: (\S+call-states\S+)", page.read_text(encoding="utf-8"))
    assert (page.parent / shown).resolve() == state_pictures.DIAGRAM


def test_table_has_every_pair() -> None:
    header, _, *rows = (
        [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]
        for line in state_pictures.transition_table().splitlines()
    )
    assert header[1:] == [state.name for state in CallState]
    assert [row[0] for row in rows] == [signal.value for signal in Signal]
    for signal, row in zip(Signal, rows, strict=True):
        for state, cell in zip(CallState, row[1:], strict=True):
            target = TRANSITIONS[state].get(signal)
            assert cell.split()[0] == (target.name if target else state_pictures.IMPOSSIBLE)


@pytest.mark.parametrize("state", CallState)
def test_every_state_is_explained(state: CallState) -> None:
    assert f"| {state.name} | {state_pictures.meaning(state)} |" in state_pictures.method_table()


@pytest.mark.parametrize("signal", Signal)
def test_diagram_names_every_signal(signal: Signal) -> None:
    assert f"{state_pictures.label(signal)}</text>" in state_pictures.svg()


def test_a_page_without_the_section_is_refused() -> None:
    with pytest.raises(LookupError, match="needs the lines"):
        state_pictures.with_section("# The states of a call\n")
