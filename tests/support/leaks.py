"""What a secret looks like when it has got out: the strings themselves, and data of certain shapes.

Audio and tokens are far too many to look for each of them. But whatever would show them shows a
long run of hex, of base64, of escaped bytes or of numbers, and nothing else that is worth saying
does.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Container, Iterator, Mapping
from typing import Final

#: Shorter ones are words of English, like the "key" of many a test.
MIN_SECRET_LENGTH: Final = 12

_SHAPES: Final = {
    "data in hex": re.compile(r"(?<![0-9a-f])[0-9a-f]{40}", re.IGNORECASE),
    "data in pairs of hex": re.compile(r"(?:\b[0-9a-f]{2}[ :-]){8}", re.IGNORECASE),
    # Some of everything: a long row of "x" is none.
    "data in base64": re.compile(
        r"(?<![A-Za-z0-9+/])(?=[a-z0-9+/]*[A-Z])(?=[A-Z0-9+/]*[a-z])(?=[A-Za-z+/]*[0-9])"
        r"[A-Za-z0-9+/]{60}"
    ),
    # Between two escaped bytes of audio there may be some that happen to be printable.
    "data as bytes": re.compile(r"(?:\\x[0-9a-f]{2}[^\\\n]{0,3}){8}"),
    "numbers in a row": re.compile(r"(?:(?<![\w.:])-?\d+(?:\.\d*)?[,\s]\s*){12}"),
    "a numpy array": re.compile(r"\bdtype=|\barray\(\["),
}


def forms(secret: str) -> Iterator[str]:
    """List what a secret may look like: as it is, or packed as data is."""
    packed = secret.encode()
    yield secret
    yield packed.hex()
    for shift in range(3):
        # Encoded with something before it; its first and last characters depend on the neighbours.
        encoded = base64.b64encode(bytes(shift) + packed).decode()
        yield encoded[4 if shift else 0 : -4]


def lines_of_pem(pem: str) -> list[str]:
    """Pick what is secret in a PEM file: lines of base64, as any way of showing it shows them."""
    return [line for line in pem.split() if re.fullmatch(r"[A-Za-z0-9+/=]{40,}", line)]


class Secrets:
    """What is to be looked for, under what each of it begins with.

    So it takes no longer to look for the tokens of ten thousand calls than for that of one.

    Args:
      names: what each secret is, by what it looks like.
    """

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        self._names: dict[str, dict[str, str]] = {}
        for secret, name in (names or {}).items():
            self.add(secret, name)

    def __contains__(self, secret: str) -> bool:
        return secret in self._names.get(secret[:MIN_SECRET_LENGTH], ())

    def add(self, secret: str, name: str) -> None:
        """Look for this, too. It has at least `MIN_SECRET_LENGTH` characters."""
        assert len(secret) >= MIN_SECRET_LENGTH
        self._names.setdefault(secret[:MIN_SECRET_LENGTH], {})[secret] = name

    def find(self, text: str) -> dict[str, str]:
        """Return which secrets are in a text, and what they are."""
        length = MIN_SECRET_LENGTH
        beginnings = {text[start : start + length] for start in range(len(text) - length + 1)}
        return {
            secret: name
            for beginning in beginnings & self._names.keys()
            for secret, name in self._names[beginning].items()
            if secret in text
        }


def find_leaks(text: str, secrets: Secrets, but_not: Container[str] = ()) -> set[str]:
    """Say what of these secrets, and what that looks like one, is in a text.

    Args:
      text: where to look.
      secrets: what to look for.
      but_not: secrets that may be shown there.
    """
    leaks = {name for secret, name in secrets.find(text).items() if secret not in but_not}
    return leaks | {name for name, shape in _SHAPES.items() if shape.search(text)}
