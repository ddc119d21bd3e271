"""The generations of the wire that the exchange speaks."""

from __future__ import annotations

from typing import Literal

WireName = Literal["first", "second"]
