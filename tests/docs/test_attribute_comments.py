"""The reference says of attributes what the comments beside them say."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.pure, pytest.mark.slow]

DOCS = Path(__file__).resolve().parents[2] / "docs"

PAGE = """\
Reference
=========

.. autoclass:: trio_calls.CallState()
   :members:

.. autoexception:: trio_calls.WSSConnectionError()
   :members:

.. autoclass:: trio_calls.audio.Match()
   :members:
"""


def test_comments_on_attributes_are_in_the_reference(tmp_path: Path) -> None:
    (tmp_path / "index.rst").write_text(PAGE, encoding="utf-8")
    subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "-q", "-b", "text", "-c", str(DOCS)),
            *(str(tmp_path), str(tmp_path / "out")),
        ],
        check=True,
        capture_output=True,
    )
    text = (tmp_path / "out" / "index.txt").read_text(encoding="utf-8")
    # Of an enum's member, of a class variable, and of a field of attrs.
    assert "Just arrived; the caller hears ringing." in text
    assert "Whether trying again with the same settings is pointless." in text
    assert "From -1 (the signal upside down)" in text
    # In the order of the code, not that of the alphabet.
    assert text.index("PENDING =") < text.index("ANSWERED =")
