"""For tests of what an application sees: the same on each generation of the exchange.

A transport knows nothing of what is sent over it, and a wire nothing of what it is sent over. So
tests of connections run on `PAIRS`, which has each wire and each transport once. With
``TRIO_CALLS_ALL_PAIRS=yes`` in the environment they run on each wire over each transport.
"""

import itertools
import os
from collections.abc import Iterable, Sequence
from typing import Final, get_args

import pytest

from tests.support.transports import TRANSPORTS, chosen, generate_on, is_chosen
from trio_calls.config import WireName

#: On which wire, over which transport.
PAIRS: Final[Sequence[tuple[str, str]]] = [("first", "trio-websocket"), ("second", "websockets")]

WIRES: Final[Sequence[str]] = get_args(WireName)

#: Runs a test, or those of a file, on each wire.
on_both_wires: Final = pytest.mark.parametrize("wire", WIRES)

#: For the tests of a file that have nothing to do with what travels, in a folder whose tests run on
#: both: they run on the first. A file may carry it whatever is in there.
on_one_wire: Final = pytest.mark.one_wire

#: For what only the first wire has, in a folder whose tests run on both.
on_the_first_wire: Final = pytest.mark.parametrize("wire", ["first"])

#: For what only the second one has.
on_the_second_wire: Final = pytest.mark.parametrize("wire", ["second"])


def pairs() -> Sequence[tuple[str, str]]:
    """Return which wires are tried over which transports."""
    if os.environ.get("TRIO_CALLS_ALL_PAIRS") == "yes":
        return list(itertools.product(WIRES, TRANSPORTS))
    return PAIRS


#: Runs a test, or those of a file, on each of `pairs`.
on_wires_and_transports: Final = pytest.mark.parametrize(
    ("wire", "transport"), pairs(), indirect=["transport"]
)


def as_it_is_sent(pcm: bytes, wire: WireName, frame_bytes: int = 960) -> bytes:
    """Return what comes of speech: on the first wire its last frame is filled up with silence."""
    filling = -len(pcm) % frame_bytes if wire == "first" else 0
    return pcm + bytes(filling)


def generate_on_wires(metafunc: pytest.Metafunc) -> None:
    """Run every test of a folder that speaks to an exchange on each wire, over one transport.

    What speaks to an exchange takes ``wire``, itself or by a fixture. A test may choose its wire or
    its transport itself.
    """
    if metafunc.definition.get_closest_marker("one_wire") is not None:
        generate_on(metafunc, ["websockets"])
    else:
        _generate(metafunc, [(wire, "websockets") for wire in WIRES])


def generate_on_wires_and_transports(metafunc: pytest.Metafunc) -> None:
    """Run every test of a folder on each of `pairs`, in the same way.

    Where a test speaks to no exchange, it runs on each transport.
    """
    _generate(metafunc, pairs())


def generate_on_wires_or_once(metafunc: pytest.Metafunc) -> None:
    """Run every test that speaks to an exchange on each of `pairs`, and every other one once."""
    if "wire" in metafunc.fixturenames:
        _generate(metafunc, pairs())


def _generate(metafunc: pytest.Metafunc, pairs: Sequence[tuple[str, str]]) -> None:
    wires = chosen(metafunc, "wire")
    if "wire" not in metafunc.fixturenames:
        generate_on(metafunc, _different(transport for _, transport in pairs))
    elif wires is not None:
        generate_on(metafunc, _different(transport for wire, transport in pairs if wire in wires))
    elif is_chosen(metafunc, "transport"):
        metafunc.parametrize("wire", WIRES)
    else:
        metafunc.parametrize(("wire", "transport"), pairs, indirect=["transport"])


def _different(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
