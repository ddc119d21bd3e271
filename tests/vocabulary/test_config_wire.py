"""Which generation of the exchange a client speaks to, and where that is."""

import attrs
import pytest

from trio_calls import ClientConfig, WSSConfigError
from trio_calls.config import PRODUCTION_URLS
from trio_calls.transport import HandshakeRefused, HostUnreachable
from trio_calls.transport.explain import explain_control
from trio_calls.transport.sdk_headers import sdk_headers

pytestmark = pytest.mark.pure

KEY = {"WSS_API_KEY": "key", "WSS_CONNECTOR_UUID": "uuid"}
OTHER_KEY = {"AGENTDUET_API_KEY": "other", "AGENTDUET_CONNECTOR_UUID": "other-uuid"}
CERTIFICATE = {"WSS_CERT_PATH": "/etc/agent.pem", "WSS_KEY_PATH": "/etc/agent.key"}


@pytest.mark.parametrize("wire", ["first", "second"])
def test_production_goes_with_the_wire(wire: str) -> None:
    made = ClientConfig.sandbox(api_key="key", connector_uuid="uuid", wire=wire)
    read = ClientConfig.from_env(KEY | {"WSS_WIRE": wire})
    assert made == read
    assert (made.wire, made.base_url) == (wire, PRODUCTION_URLS[wire])
    certified = ClientConfig.from_env(CERTIFICATE | {"WSS_WIRE": wire})
    assert certified.base_url == PRODUCTION_URLS[wire]


def test_the_first_wire_is_spoken_where_nobody_says_another() -> None:
    assert ClientConfig.from_env(KEY | {"WSS_WIRE": ""}).wire == "first"
    assert ClientConfig.from_env(OTHER_KEY).wire == "first"


def test_a_given_address_holds_for_any_wire() -> None:
    config = ClientConfig.from_env(KEY | {"WSS_WIRE": "second", "WSS_BASE_URL": "ws://localhost"})
    assert config.base_url == "ws://localhost"


@pytest.mark.parametrize("wire", ["third", "FIRST", 2, None])
def test_another_wire_is_refused_by_its_name(wire: object) -> None:
    with pytest.raises(WSSConfigError, match=r"wire \(WSS_WIRE\) must be one of"):
        ClientConfig(api_key="key", connector_uuid="uuid", wire=wire)  # type: ignore[arg-type]


def test_the_exchange_is_told_the_version_of_its_wire() -> None:
    first = ClientConfig.from_env(KEY)
    assert "x-sdk-client" not in sdk_headers(first)
    assert sdk_headers(first)["x-sdk-version"] == "1.0.0"
    headers = sdk_headers(ClientConfig.from_env(KEY | {"WSS_WIRE": "second"}))
    assert headers["x-sdk-version"] == "1.0.0b8"
    assert headers["x-sdk-client"] == "python/1.0.0b8"


def test_the_names_of_the_later_client_are_read() -> None:
    config = ClientConfig.from_env(OTHER_KEY | {"AGENTDUET_BASE_URL": "wss://host"})
    assert config == ClientConfig.sandbox(
        api_key="other", connector_uuid="other-uuid", base_url="wss://host"
    )


def test_our_own_names_count_for_more() -> None:
    others = OTHER_KEY | {"AGENTDUET_BASE_URL": "wss://other"}
    config = ClientConfig.from_env(KEY | others | {"WSS_BASE_URL": "wss://own"})
    assert (config.api_key, config.connector_uuid) == ("key", "uuid")
    assert config.base_url == "wss://own"


def test_a_certificate_counts_for_more_than_the_others_key() -> None:
    config = ClientConfig.from_env(CERTIFICATE | OTHER_KEY)
    assert config == ClientConfig.from_env(CERTIFICATE)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"AGENTDUET_API_KEY": "key"}, "AGENTDUET_CONNECTOR_UUID is not set"),
        ({"AGENTDUET_CONNECTOR_UUID": "uuid"}, "AGENTDUET_API_KEY is not set"),
        ({"WSS_API_KEY": "key", "AGENTDUET_API_KEY": "key"}, "WSS_CONNECTOR_UUID is not set"),
        (OTHER_KEY | {"AGENTDUET_API_KEY": "'key'"}, r"\(AGENTDUET_API_KEY\) has quotes"),
        (OTHER_KEY | {"AGENTDUET_CONNECTOR_UUID": "a "}, r"\(AGENTDUET_CONNECTOR_UUID\) must be"),
        (OTHER_KEY | {"AGENTDUET_BASE_URL": "host"}, "set it as AGENTDUET_BASE_URL or"),
        (OTHER_KEY | {"WSS_BASE_URL": "host"}, "set it as WSS_BASE_URL or"),
        (OTHER_KEY | {"WSS_BASE_URL": "wss://a@host"}, "AGENTDUET_API_KEY and AGENTDUET_CONNEC"),
        (CERTIFICATE | {"AGENTDUET_BASE_URL": "ws://host"}, r"\(AGENTDUET_BASE_URL\)"),
    ],
)
def test_an_error_names_the_variable_that_was_read(variables: dict[str, str], words: str) -> None:
    with pytest.raises(WSSConfigError, match=words):
        ClientConfig.from_env(variables)


def test_a_refusal_names_the_variables_that_were_read() -> None:
    config = ClientConfig.from_env(OTHER_KEY | {"AGENTDUET_BASE_URL": "wss://host"})
    changed = attrs.evolve(config, sample_rate=8000)
    refusal = str(explain_control(HandshakeRefused(401, "no"), changed))
    assert "check AGENTDUET_API_KEY and AGENTDUET_CONNECTOR_UUID" in refusal
    assert "is AGENTDUET_BASE_URL right?" in str(explain_control(HostUnreachable("no"), changed))


def test_a_changed_copy_keeps_its_address() -> None:
    config = attrs.evolve(ClientConfig.from_env(KEY), wire="second")
    assert config.base_url == PRODUCTION_URLS["first"]
