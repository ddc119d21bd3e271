"""For tests of what an application sees: the same on each generation of the exchange."""

from typing import Final

import pytest

#: Runs a test, or those of a file, on each wire.
on_both_wires: Final = pytest.mark.parametrize("wire", ["first", "second"])
