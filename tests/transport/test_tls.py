"""The context of every TLS connection: it verifies, always."""

import errno
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from trio_calls import ClientConfig, WSSConfigError, WSSTLSError
from trio_calls.transport.tls import ClientTLS, make_ssl_context

pytestmark = pytest.mark.pure


def sandbox(**settings: Any) -> ClientConfig:
    return ClientConfig.sandbox(
        **{"api_key": "key", "connector_uuid": "uuid", "base_url": "wss://exchange", **settings}
    )


@pytest.fixture
def client_certificate(tmp_path: Path) -> Path:
    """A folder with cert.pem, key.pem, and key files that do not fit or cannot be read."""
    authority = trustme.CA()
    mine, other = authority.issue_cert("agent"), authority.issue_cert("other")
    mine.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    mine.private_key_pem.write_to_path(tmp_path / "key.pem")
    mine.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    other.private_key_pem.write_to_path(tmp_path / "other-key.pem")
    key = load_pem_private_key(mine.private_key_pem.bytes(), None)
    encryption = BestAvailableEncryption(b"a password")
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    (tmp_path / "encrypted-key.pem").write_bytes(encrypted)
    (tmp_path / "empty.pem").write_bytes(b"")
    (tmp_path / "text.pem").write_text("this is no PEM")
    (tmp_path / "folder.pem").mkdir()
    return tmp_path


def production(folder: Path, cert: str, key: str, **settings: Any) -> ClientConfig:
    return ClientConfig.production(cert_path=folder / cert, key_path=folder / key, **settings)


def test_without_tls_there_is_no_context() -> None:
    assert make_ssl_context(sandbox(base_url="ws://exchange")) is None


def test_the_authorities_of_the_system_verify_the_exchange() -> None:
    context = make_ssl_context(sandbox())
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_context_of_the_application_is_used_as_it_is() -> None:
    own = ssl.create_default_context()
    assert make_ssl_context(sandbox(ssl_context=own)) is own


def lax(mode: ssl.VerifyMode) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = mode
    return context


@pytest.mark.parametrize(
    "context",
    [
        lax(ssl.CERT_NONE),
        lax(ssl.CERT_OPTIONAL),
        lax(ssl.CERT_REQUIRED),
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
    ],
    ids=["no certificate", "optional certificate", "any host", "of a server"],
)
def test_a_context_that_does_not_verify_is_refused(context: ssl.SSLContext) -> None:
    with pytest.raises(WSSConfigError, match=r"ssl\.create_default_context\(\)"):
        make_ssl_context(sandbox(ssl_context=context))


@pytest.mark.parametrize("key", ["key.pem", "both.pem"])
def test_a_client_certificate_with_its_key_is_loaded(client_certificate: Path, key: str) -> None:
    own = ssl.create_default_context()
    cert = key if key == "both.pem" else "cert.pem"
    assert make_ssl_context(production(client_certificate, cert, key, ssl_context=own)) is own


@pytest.mark.parametrize(
    ("cert", "key"),
    [
        ("missing.pem", "key.pem"),
        ("cert.pem", "missing.pem"),
        ("cert.pem", "other-key.pem"),
        ("cert.pem", "encrypted-key.pem"),
        ("key.pem", "cert.pem"),
        ("cert.pem", "cert.pem"),
        ("empty.pem", "key.pem"),
        ("cert.pem", "empty.pem"),
        ("text.pem", "key.pem"),
        ("folder.pem", "key.pem"),
        ("cert.pem", "folder.pem"),
    ],
)
def test_an_unusable_certificate_says_which_settings_are_wrong(
    client_certificate: Path, cert: str, key: str
) -> None:
    with pytest.raises(WSSConfigError, match="WSS_CERT_PATH and WSS_KEY_PATH") as caught:
        make_ssl_context(production(client_certificate, cert, key))
    assert str(client_certificate) not in str(caught.value)


def test_what_is_wrong_with_a_certificate_is_told(client_certificate: Path) -> None:
    with pytest.raises(WSSConfigError, match="No such file"):
        make_ssl_context(production(client_certificate, "missing.pem", "key.pem"))
    with pytest.raises(WSSConfigError, match="KEY_VALUES_MISMATCH"):
        make_ssl_context(production(client_certificate, "cert.pem", "other-key.pem"))


def presented_by(context: ssl.SSLContext, authority: trustme.CA) -> str:
    """Shake hands with a server that wants a certificate, and return whose it is given."""
    demanding = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("exchange").configure_cert(demanding)
    authority.configure_trust(demanding)
    demanding.verify_mode = ssl.CERT_REQUIRED
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server, server_hostname="exchange")
    server = demanding.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server) * 3:
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    certificate: Any = server.getpeercert()
    return str(certificate["subjectAltName"][0][1])


class TestRenewedCertificate:
    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    @pytest.fixture
    def write(self, authority: trustme.CA, tmp_path: Path) -> Callable[..., None]:
        def write(owner: str, *files: str) -> None:
            certificate = authority.issue_cert(owner)
            if "cert.pem" in files:
                certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
            if "key.pem" in files:
                certificate.private_key_pem.write_to_path(tmp_path / "key.pem")

        return write

    @pytest.fixture
    def tls(
        self, authority: trustme.CA, write: Callable[..., None], tmp_path: Path
    ) -> Callable[[], str]:
        """Returns whose certificate the next connection presents."""
        trusting = ssl.create_default_context()
        authority.configure_trust(trusting)
        write("first", "cert.pem", "key.pem")
        tls = ClientTLS(production(tmp_path, "cert.pem", "key.pem", ssl_context=trusting))

        def next_connection() -> str:
            context = tls.context()
            assert context is trusting
            return presented_by(context, authority)

        return next_connection

    def test_the_next_connection_presents_it(
        self, tls: Callable[[], str], write: Callable[..., None]
    ) -> None:
        assert tls() == "first"
        write("second", "cert.pem", "key.pem")
        assert tls() == tls() == "second"

    def test_half_of_a_pair_is_not_used(
        self,
        tls: Callable[[], str],
        write: Callable[..., None],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        write("second", "cert.pem")
        assert tls() == tls() == "first"
        assert caplog.text.count("the last is kept") == 1
        assert "KEY_VALUES_MISMATCH" in caplog.text
        write("third", "cert.pem", "key.pem")
        assert tls() == "third"

    def test_one_that_is_gone_is_used_on(
        self, tls: Callable[[], str], write: Callable[..., None], tmp_path: Path
    ) -> None:
        (tmp_path / "cert.pem").unlink()
        assert tls() == "first"
        write("second", "cert.pem", "key.pem")
        assert tls() == "second"


def test_authorities_that_cannot_be_loaded_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> ssl.SSLContext:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(ssl, "create_default_context", fail)
    with pytest.raises(WSSTLSError, match="Too many open files"):
        make_ssl_context(sandbox())
