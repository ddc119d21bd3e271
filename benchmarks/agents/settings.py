"""What every agent is told in the same way."""

from __future__ import annotations

from typing import Final

SAMPLE_RATE: Final = 16000

#: The exchange of the benchmark lets everybody in.
API_KEY: Final = "benchmark"
CONNECTOR_UUID: Final = "00000000-0000-4000-8000-000000000000"


def variables_of(base_url: str) -> dict[str, str]:
    """Return the environment with which `trio-calls run` reaches an exchange of the benchmark."""
    return {
        "WSS_API_KEY": API_KEY,
        "WSS_CONNECTOR_UUID": CONNECTOR_UUID,
        "WSS_SAMPLE_RATE": f"{SAMPLE_RATE}",
        "WSS_BASE_URL": base_url,
    }
