"""Redis by TLS: the server's certificate has to be for its name."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trustme

from tests.support.redis_server import free_port, open_redis_server
from trio_calls.fleet import Fleet, FleetUnavailableError

pytestmark = [pytest.mark.slow, pytest.mark.pure]


async def view_by_tls(folder: Path, name: str) -> None:
    """Look at a server whose certificate is for a name."""
    authority = trustme.CA()
    issued = authority.issue_cert(name)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    port = free_port()
    options = {
        "--tls-port": str(port),
        "--tls-cert-file": str(folder / "cert.pem"),
        "--tls-key-file": str(folder / "key.pem"),
        "--tls-ca-cert-file": str(folder / "ca.pem"),
        "--tls-auth-clients": "no",
    }
    words = (word for option in options.items() for word in option)
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(open_redis_server(*words))
        except RuntimeError:
            pytest.skip("this redis-server was built without TLS")
        view = await Fleet(f"rediss://127.0.0.1:{port}?ssl_ca_certs={folder / 'ca.pem'}").view()
        assert view.workers == ()


async def test_a_certificate_for_its_name(tmp_path: Path) -> None:
    await view_by_tls(tmp_path, "127.0.0.1")


async def test_a_certificate_for_another_name(tmp_path: Path) -> None:
    with pytest.raises(FleetUnavailableError, match="certificate of Redis cannot be verified"):
        await view_by_tls(tmp_path, "redis.example")
