"""What a secret looks like when it has got out: the strings themselves, and data of certain shapes.

Audio and tokens are far too many to look for each of them. But whatever would show them shows a
long run of hex, of base64, of escaped bytes or of numbers, and nothing else that is worth saying
does.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
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


def find_leaks(text: str, secrets: Mapping[str, str]) -> set[str]:
    """Say what of these secrets, and what that looks like one, is in a text.

    Args:
      text: where to look.
      secrets: what they are, by the forms of what they look like.
    """
    leaks = {name for secret, name in secrets.items() if secret in text}
    return leaks | {name for name, shape in _SHAPES.items() if shape.search(text)}
