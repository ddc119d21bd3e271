"""What every agent is told in the same way."""

from __future__ import annotations

from typing import Final

SAMPLE_RATE: Final = 16000

#: The exchange of the benchmark lets everybody in.
API_KEY: Final = "benchmark"
CONNECTOR_UUID: Final = "00000000-0000-4000-8000-000000000000"
