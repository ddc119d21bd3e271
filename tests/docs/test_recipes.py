"""Each recipe has a test, a place on the page, and one in the table of the examples."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.pure

CHECKOUT = Path(__file__).resolve().parents[2]
RECIPES = sorted((CHECKOUT / "examples" / "recipes").glob("*.py"))
PAGE = (CHECKOUT / "docs" / "how-to" / "recipes.rst").read_text(encoding="utf-8")
TABLE = (CHECKOUT / "examples" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("recipe", [recipe.name for recipe in RECIPES])
def test_a_recipe_is_shown_and_tested(recipe: str) -> None:
    assert f":caption: examples/recipes/{recipe}\n" in PAGE
    assert f"[`{recipe}`](recipes/{recipe})" in TABLE
    assert (CHECKOUT / "examples" / "tests" / f"test_{recipe}").exists()
