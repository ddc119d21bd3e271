"""What a client says of itself with each connection and each request."""

from __future__ import annotations

from trio_calls.config import ClientConfig
from trio_calls.transport.sdk_headers import sdk_headers


def client_headers(config: ClientConfig) -> dict[str, str]:
    """Return the headers of a client: those of the SDK, and its key where it has one."""
    headers = sdk_headers(config)
    if config.api_key is not None and config.connector_uuid is not None:
        headers["x-api-key"] = config.api_key
        headers["x-connector-uuid"] = config.connector_uuid
    return headers
