"""The fragments of news have names and texts of which towncrier can make a page."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.pure

CHECKOUT = Path(__file__).resolve().parents[2]
FRAGMENTS = sorted(
    path for path in (CHECKOUT / "newsfragments").iterdir() if path.name != "README.rst"
)


def draft(folder: Path) -> subprocess.CompletedProcess[str]:
    """Show what a release of this moment would say. Needs neither git nor the network."""
    return subprocess.run(
        [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "1", "--dir", folder],
        check=False,
        capture_output=True,
        encoding="utf-8",
    )


def test_every_fragment_is_in_the_draft() -> None:
    drafted = draft(CHECKOUT)
    assert drafted.returncode == 0, drafted.stderr
    page = " ".join(drafted.stdout.split())
    texts = {path.name: path.read_text(encoding="utf-8").split() for path in FRAGMENTS}
    assert [name for name, text in texts.items() if not text or " ".join(text) not in page] == []


@pytest.mark.parametrize("name", ["+rooms.rst", "+rooms.feture.rst", "rooms.feature.rst"])
def test_a_name_without_its_parts_is_refused(tmp_path: Path, name: str) -> None:
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    (tmp_path / "newsfragments").mkdir()
    (tmp_path / "newsfragments" / name).write_text("Calls have rooms.\n", encoding="utf-8")
    drafted = draft(tmp_path)
    assert drafted.returncode != 0
    assert "rooms" in drafted.stderr.replace(str(tmp_path), "")
