"""What CONTRIBUTING.md and SECURITY.md name is there."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.pure

CHECKOUT = Path(__file__).resolve().parents[2]
CONTRIBUTING = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md"])
def test_links_lead_somewhere(page: str) -> None:
    targets = re.findall(r"\]\(([^)]+)\)", (CHECKOUT / page).read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not (CHECKOUT / target).exists()] == []


def test_there_is_every_place_to_go_for_a_change() -> None:
    first_cells = re.findall(r"^\| (`.+?) \|", CONTRIBUTING, re.M)
    places = [place for cell in first_cells for place in re.findall(r"`([^`]+)`", cell)]
    assert len(places) > 30
    assert [place for place in places if not (CHECKOUT / place).exists()] == []


def test_every_room_is_in_the_table() -> None:
    rooms = [path.parent.name for path in (CHECKOUT / "trio_calls").glob("*/__init__.py")]
    assert [room for room in rooms if f"`trio_calls/{room}/`" not in CONTRIBUTING] == []


def test_commands_are_targets_of_the_makefile() -> None:
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    commands = set(re.findall(r"`make (\w+)`", CONTRIBUTING))
    assert {"lint", "unit"} <= commands
    assert [command for command in commands if f"\n{command}: " not in makefile] == []
