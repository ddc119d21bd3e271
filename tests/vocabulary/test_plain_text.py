"""Text for terminals that know few characters."""

import io
import sys

import pytest

from trio_calls._plain_text import as_shown, print_anywhere


@pytest.mark.parametrize(
    ("text", "encoding", "shown"),
    [
        ("✓ PENDING → ANSWERED", "utf-8", "✓ PENDING → ANSWERED"),
        ("✓ PENDING → ANSWERED", "ascii", "+ PENDING -> ANSWERED"),
        ("✗ grüß dich…", "cp1252", "x grüß dich…"),
        ("✗ grüß dich…", "latin-1", "x grüß dich..."),
        ("▮▮·", "cp437", "##·"),
        ("電話", "ascii", "\\u96fb\\u8a71"),
        ("file\udcff.wav", "utf-8", "file\\udcff.wav"),
    ],
)
def test_what_cannot_be_shown_gives_way(text: str, encoding: str, shown: str) -> None:
    assert as_shown(text, encoding) == shown


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_any_text_can_be_printed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, name, stream)
    print_anywhere()
    print("→ 電話", file=stream, flush=True)
    assert isinstance(stream.buffer, io.BytesIO)
    assert stream.buffer.getvalue().splitlines() == [b"-> \\u96fb\\u8a71"]


def test_only_encoding_has_look_alikes() -> None:
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", "trio_calls.plain")


def test_no_streams_are_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    print_anywhere()
    assert sys.stdout is None
