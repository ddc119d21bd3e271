"""For tests of what an application sees: the same on each generation of the exchange."""

from typing import Final

import pytest

from tests.support.transports import generate_on, is_chosen

#: Runs a test, or those of a file, on each wire.
on_both_wires: Final = pytest.mark.parametrize("wire", ["first", "second"])

#: One of these for every wire and every transport. A transport knows nothing of what is sent over
#: it: the second wire is tried over one of them.
_WIRES_AND_TRANSPORTS: Final = [
    ("first", "websockets"),
    ("first", "trio-websocket"),
    ("second", "websockets"),
]

#: Runs a test, or those of a file, on each wire and on each transport.
on_wires_and_transports: Final = pytest.mark.parametrize(
    ("wire", "transport"), _WIRES_AND_TRANSPORTS, indirect=["transport"]
)

#: For what only the first wire has, in a folder whose tests run on both.
on_the_first_wire: Final = pytest.mark.parametrize("wire", ["first"])

#: And for what only the second has.
on_the_second_wire: Final = pytest.mark.parametrize("wire", ["second"])


def generate_on_wires(metafunc: pytest.Metafunc) -> None:
    """Run every test of a folder that speaks to an exchange on each wire, over one transport.

    What speaks to an exchange takes ``wire``, itself or by a fixture. A test may choose its wire or
    its transport itself.
    """
    _generate(metafunc, [("first", "websockets"), ("second", "websockets")])


def generate_on_wires_and_transports(metafunc: pytest.Metafunc) -> None:
    """Run every test of a folder on each wire and on each transport."""
    _generate(metafunc, _WIRES_AND_TRANSPORTS)


def _generate(metafunc: pytest.Metafunc, pairs: list[tuple[str, str]]) -> None:
    transports = list(dict.fromkeys(transport for _, transport in pairs))
    if "wire" not in metafunc.fixturenames or is_chosen(metafunc, "wire"):
        generate_on(metafunc, transports)
    elif is_chosen(metafunc, "transport"):
        metafunc.parametrize("wire", list(dict.fromkeys(wire for wire, _ in pairs)))
    else:
        metafunc.parametrize(("wire", "transport"), pairs, indirect=["transport"])
