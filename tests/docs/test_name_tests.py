"""The tests and files that pages name exist, and tests have names that are short to quote."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.pure

CHECKOUT = Path(__file__).resolve().parents[2]

#: Every page that says which test holds what it says.
PAGES = [
    "explanation/forty-questions.rst",
    "explanation/official-client.md",
    "reference/reliability.md",
]

#: A file of the checkout, where a page names it as code.
FILE = re.compile(r"`((?:benchmarks|docs|examples|fuzz|tests|trio_calls)/[\w./-]*)(?:::\w+)*`")


def named_in(page: str) -> list[str]:
    """List the tests that a page names, as pytest would."""
    text = (CHECKOUT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r"tests/[\w/]+\.py::[\w:]+", text)


def defined_in(path: Path) -> set[str]:
    """List the tests of a file, those of a class with its name before theirs."""

    def walk(body: list[ast.stmt], prefix: str) -> Iterator[str]:
        for node in body:
            if isinstance(node, ast.ClassDef):
                yield from walk(node.body, f"{node.name}::")
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield prefix + node.name

    return set(walk(ast.parse(path.read_text(encoding="utf-8")).body, ""))


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_is_named_exists(page: str) -> None:
    named = named_in(page)
    assert named
    missing = []
    for name in named:
        file, _, test = name.partition("::")
        path = CHECKOUT / file
        if not path.exists() or test not in defined_in(path):
            missing.append(name)
    assert missing == []


def test_every_row_of_the_faults_names_a_test() -> None:
    text = (CHECKOUT / "docs" / "reference" / "reliability.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    faults = [row for row in rows if not row.endswith(("| test |", "| --- |"))]
    assert len(faults) > 60
    assert [row for row in faults if not re.search(r"\| `tests/[\w/]+\.py::[\w:]+` \|$", row)] == []


def test_names_of_tests_are_short() -> None:
    names = {
        name.rpartition("::")[2]
        for folder in ("tests", "examples/tests")
        for path in (CHECKOUT / folder).rglob("test_*.py")
        for name in defined_in(path)
    }
    assert len(names) > 1000
    assert [name for name in sorted(names) if name.startswith("test_") and len(name) >= 60] == []


@pytest.mark.parametrize(
    "page",
    [
        page.relative_to(CHECKOUT).as_posix()
        for pattern in ("*.md", "examples/*.md", "benchmarks/*.md", "docs/*.*", "docs/*/*.*")
        for page in sorted(CHECKOUT.glob(pattern))
        if page.suffix in {".md", ".rst"}
    ],
)
def test_every_file_that_is_named_exists(page: str) -> None:
    named = FILE.findall((CHECKOUT / page).read_text(encoding="utf-8"))
    made = {"docs/_build", "fuzz/crashes", "fuzz/corpus"}
    assert [path for path in named if path not in made and not (CHECKOUT / path).exists()] == []
