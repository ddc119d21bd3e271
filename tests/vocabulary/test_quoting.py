"""Words of the other side, and secrets, in what people read."""

import pickle

import pytest

from trio_calls._quoting import Secret, printable, without_secrets


def test_a_secret_is_text_that_no_repr_shows() -> None:
    secret = Secret("hunter22")
    assert "hunter22" not in repr(secret) + repr([secret]) + repr({"key": secret}) + f"{secret!r}"
    assert secret == "hunter22"
    assert f"Bearer {secret}" == "Bearer hunter22"
    copy = pickle.loads(pickle.dumps(secret))
    assert (copy, repr(copy)) == ("hunter22", "'***'")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        (" a\r\nforged line ", "aforged line"),
        ("\x1b[2J\x1b]0;title\x07", "[2J]0;title"),
        ("\u202egnol\u2028", "gnol"),
        ("grüß dich", "grüß dich"),
        ("\ud800", ""),
    ],
)
def test_only_what_is_printable_is_left(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(text, 3) == shown[:3]


def test_secrets_are_blotted_out_wherever_they_are() -> None:
    secrets = [Secret("the-key"), None, "the-key-and-more", ""]
    assert without_secrets("a the-key, the-key-and-more, the-k", secrets) == "a ***, ***, ***"
