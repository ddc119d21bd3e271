"""The page "The house" shows the rooms and the imports that there are."""

import re
from collections import Counter
from pathlib import Path

import pytest

from docs import house_picture
from docs.floor_plan import FloorPlan, direct_arrows

pytestmark = pytest.mark.pure

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = house_picture.PAGE.read_text(encoding="utf-8")
ADVICE = "run `python docs/house_picture.py`"


@pytest.fixture(params=house_picture.NOTES)
def house(request: pytest.FixtureRequest) -> house_picture.House:
    return house_picture.house(request.param)


def test_tables_are_current() -> None:
    assert house_picture.with_tables(PAGE) == PAGE, ADVICE


def test_picture_is_current(house: house_picture.House) -> None:
    assert house.picture.read_text(encoding="utf-8") == house_picture.picture(house), ADVICE


def test_picture_is_shown(house: house_picture.House) -> None:
    shown = [house_picture.PAGE.parent / path for path in re.findall(r":file: (\S+)", PAGE)]
    assert house.picture in shown


def test_every_room_is_explained(house: house_picture.House) -> None:
    assert set(house_picture.NOTES[house.package]) == set(house.rooms)
    explained = PAGE.partition("What stands where\n")[2]
    missing = [room for room in house.rooms if f"``{room}``" not in explained]
    assert missing in ([], [house_picture.FACE])


def test_every_folder_and_file_of_the_package_has_a_room() -> None:
    house = house_picture.house("trio_calls")
    modules = {path.stem for path in (CHECKOUT / "trio_calls").glob("*") if path.suffix == ".py"}
    packages = {path.parent.name for path in (CHECKOUT / "trio_calls").glob("*/__init__.py")}
    doorway = {
        *("__init__", "__main__", "_version"),
        *("_logging", "_plain_text", "_public_names", "_quoting"),
    }
    assert set(house.rooms) == (modules | packages) - doorway


def test_every_folder_of_tests_is_explained() -> None:
    rooms = {room for name in house_picture.NOTES for room in house_picture.house(name).rooms}
    folders = {path.parent.name for path in (CHECKOUT / "tests").glob("*/*.py")}
    explained = set(re.findall(r"``tests/(\w+)``", PAGE))
    assert folders - rooms - explained == set()


def test_arrows_that_others_imply_are_left_out() -> None:
    arrows = Counter([("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")])
    assert direct_arrows(arrows) == {("a", "b"), ("b", "c"), ("a", "d")}


def test_an_arrow_that_points_up_is_refused() -> None:
    with pytest.raises(ValueError, match="point up"):
        FloorPlan([["a"], ["b"]], [("b", "a")], {})


def test_a_page_without_the_places_for_the_tables_is_refused() -> None:
    with pytest.raises(LookupError, match="needs the lines"):
        house_picture.with_tables("The house\n=========\n")
