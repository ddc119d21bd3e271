"""The directive `question`: it folds answers in HTML, and reads well without."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="it comes with the extra docs")

pytestmark = pytest.mark.pure

DOCS = Path(__file__).resolve().parents[2] / "docs"

PAGE = """\
Questions
=========

.. question:: Does ``it``
      rain?
   :name: rain
   :shown-by: tests/a.py::test_b
      tests/c.py::test_d

   It *does*.

.. question:: And now?
   :name: now
   :shown-by: tests/a.py::test_b

   Not any more.
"""


def build(folder: Path, page: str, builder: str) -> tuple[str, str]:
    """Build a page, and return it with what was warned of."""
    from sphinx.application import Sphinx  # noqa: PLC0415 - takes a second
    from sphinx.util.docutils import docutils_namespace  # noqa: PLC0415

    (folder / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(DOCS)!r})\nextensions = ['folded_answers']\n"
    )
    (folder / "index.rst").write_text(page)
    warned = io.StringIO()
    out = folder / builder
    with docutils_namespace():
        Sphinx(folder, folder, out, out, builder, status=None, warning=warned).build()
    (built,) = (path for path in out.glob("index.*") if path.suffix in {".html", ".txt"})
    return built.read_text(), warned.getvalue()


def test_an_answer_is_folded_away(tmp_path: Path) -> None:
    html, warned = build(tmp_path, PAGE, "html")
    assert warned == ""
    first, second = html.split('<details class="question" id="')[1:]
    assert first.startswith('rain">\n<summary>1. Does <code')
    assert second.startswith('now">\n<summary>2. And now?</summary>')
    assert "It <em>does</em>." in first.partition("</summary>")[2].partition("</details>")[0]
    assert "tests/c.py::test_d" in first


def test_as_plain_text_it_can_be_read(tmp_path: Path) -> None:
    text, warned = build(tmp_path, PAGE, "text")
    assert warned == ""
    assert '1. Does "it" rain?' in text
    assert "It *does*." in text


@pytest.mark.parametrize("option", ["name", "shown-by"])
def test_one_that_nothing_shows_is_an_error(tmp_path: Path, option: str) -> None:
    second = PAGE[PAGE.index(".. question:: And now?") :]
    page = re.sub(f"   :{option}: .*\n", "", second)
    _, warned = build(tmp_path, page, "text")
    assert f"a question needs the option :{option}:" in warned
