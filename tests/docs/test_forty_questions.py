"""The page "Forty questions": each has an answer, and tests that show it."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.pure

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "explanation" / "forty-questions.rst").read_text(encoding="utf-8")

QUESTIONS = PAGE.split("\n.. question:: ")[1:]


def options_of(question: str) -> dict[str, list[str]]:
    return {
        name: values.split()
        for name, values in re.findall(r"^   :([\w-]+): (.+\n(?:      .+\n)*)", question, re.M)
    }


def test_they_are_forty() -> None:
    assert len(QUESTIONS) == 40


def test_each_can_be_linked_to() -> None:
    names = [name for question in QUESTIONS for name in options_of(question)["name"]]
    assert len(set(names)) == 40


def test_each_names_tests_and_nothing_else() -> None:
    named = [test for question in QUESTIONS for test in options_of(question)["shown-by"]]
    assert len(named) >= 40
    assert [test for test in named if not re.fullmatch(r"tests/[\w/]+\.py::[\w:]+", test)] == []


def test_each_answer_is_short() -> None:
    for question in QUESTIONS:
        _, _, answer = question.partition("\n\n")
        assert 10 < len(answer.split("\n\n\n")[0].split()) < 120, question
