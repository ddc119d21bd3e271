"""Draws the house: the rooms of `trio_calls`, on the floors that the import contracts give them.

`python docs/house_picture.py` brings the pictures and the tables of the page up to date, and a test
says when they are not. The arrows are the imports that import-linter checks; the floors are the
layers of its contracts in pyproject.toml.
"""

from __future__ import annotations

import functools
import re
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, Final, NamedTuple

import grimp

CHECKOUT: Final = Path(__file__).resolve().parent.parent
# Run as a script, this draws the checkout that it is in, installed or not.
sys.path.insert(0, str(CHECKOUT))

from docs.floor_plan import FloorPlan, direct_arrows  # noqa: E402

PICTURES: Final = CHECKOUT / "docs" / "_static"
PAGE: Final = CHECKOUT / "docs" / "the-house.rst"

FACE: Final = "its face"

#: What stands in a room, in a few words. A new room needs its own here.
NOTES: Final = {
    "trio_calls": {
        "cli": "the command line",
        "demo": "the five flows, told",
        "testing": "the pytest plugin",
        "web": "phones in tabs",
        "sessions": "beside plain calls",
        "client": "calls of a process",
        "fleet": "many machines",
        "telemetry": "metrics and traces",
        "voice": "who speaks, and when",
        "simulator": "the other side",
        "call": "one call",
        "transport": "WebSockets, TLS",
        "wire": "what travels",
        "audio": "PCM and numpy",
        "concurrency": "tools for Trio",
        "state": "the table of states",
        "config": "settings",
        "audio_format": "rate and channels",
        "endings": "how calls end",
        "events": "what happens to calls",
        "offer": "what may be claimed",
        "errors": "what is raised",
    },
    "trio_calls.simulator": {
        FACE: "what tests hold",
        "faults": "what goes wrong",
        "exchange": "sessions and calls",
        "phones": "people, mixing, time",
        "transcript": "what has travelled",
    },
}


class House(NamedTuple):
    """The rooms of a package, and the imports between them."""

    package: str
    floors: list[list[str]]
    imports: Counter[tuple[str, str]]

    @property
    def rooms(self) -> list[str]:
        """List the rooms, from the top down."""
        return [room for floor in self.floors for room in floor]

    @property
    def picture(self) -> Path:
        """Return where the drawing is kept."""
        return PICTURES / f"{self.package.replace('trio_calls', 'house').replace('.', '-')}.svg"


def house(package: str) -> House:
    """Read the rooms of a package: the floors from its contract, the arrows from the code."""
    floors: list[list[str]] = []
    for layer in contract_layers(package):
        rooms = [room for module in layer if (room := room_of(package, module))]
        if rooms and rooms not in floors:
            floors.append(rooms)
    return House(package, floors, imports_between_rooms(package))


def contract_layers(package: str) -> list[list[str]]:
    """Read the layers that pyproject.toml has for a package, from the top down."""
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts: list[dict[str, Any]] = settings["tool"]["importlinter"]["contracts"]
    (layers,) = (
        contract["layers"] for contract in contracts if package in contract.get("containers", ())
    )
    # Rooms that are still to come stand in parentheses.
    return [re.findall(r"\w+", re.sub(r"\(.*?\)", "", layer)) for layer in layers]


def room_of(package: str, module: str) -> str | None:
    """Say in which room a module directly below a package stands, if in any.

    The package itself is the module "".
    """
    if package == "trio_calls":
        # Its first module only names what others have, its last only starts the command.
        return None if not module or module.startswith("_") else module
    return FACE if not module or module.startswith("_") else module


@functools.cache
def imports() -> grimp.ImportGraph:
    """Read all imports of the package, which takes a while."""
    return grimp.build_graph("trio_calls", exclude_type_checking_imports=True, cache_dir=None)


def imports_between_rooms(package: str) -> Counter[tuple[str, str]]:
    """Count the imports that lead from a room to another."""
    graph = imports()
    found: Counter[tuple[str, str]] = Counter()
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            source, target = (_room_within(package, module) for module in (importer, imported))
            if source and target and source != target:
                found[source, target] += 1
    return found


def _room_within(package: str, module: str) -> str | None:
    if module != package and not module.startswith(package + "."):
        return None
    return room_of(package, module[len(package) + 1 :].partition(".")[0])


def picture(house: House) -> str:
    """Draw the house, without arrows that others imply."""
    notes = NOTES[house.package]
    plan = FloorPlan(house.floors, sorted(direct_arrows(house.imports)), notes)
    return plan.svg(f"The rooms of {house.package}. {_in_words(house)}")


def _in_words(house: House) -> str:
    return " ".join(
        f"{room} imports {', '.join(targets)}."
        for room in house.rooms
        if (targets := targets_of(house, room))
    )


def targets_of(house: House, room: str) -> list[str]:
    """List the rooms that a room imports, from the top down."""
    return [target for target in house.rooms if house.imports[room, target]]


def table(house: House) -> str:
    """Write all arrows, those that the picture leaves out too, a row for each room."""
    rows = [
        (f"``{room}``", ", ".join(f"``{target}``" for target in targets_of(house, room)) or "none")
        for room in house.rooms
    ]
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 20 80", ""]
    for room, targets in [("room", "imports"), *rows]:
        lines += [f"   * - {room}", f"     - {targets}"]
    return "\n".join(lines)


def with_tables(page: str) -> str:
    """Replace the tables between the comments of the page."""
    for package in NOTES:
        begin = f".. {package}: begin (made by docs/house_picture.py, do not edit)"
        end = f".. {package}: end"
        before, found_begin, rest = page.partition(begin)
        _, found_end, after = rest.partition(end)
        if not found_begin or not found_end:
            raise LookupError(f"{PAGE.name} needs the lines {begin!r} and {end!r}")
        page = "".join([before, "\n\n".join([begin, table(house(package)), end]), after])
    return page


def main() -> None:
    """Write what is drawn here to where it is shown."""
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    for package in NOTES:
        drawn = house(package)
        drawn.picture.write_text(picture(drawn), encoding="utf-8")


if __name__ == "__main__":
    main()
