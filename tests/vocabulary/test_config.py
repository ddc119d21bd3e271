import math
import ssl
import uuid
from pathlib import PurePath
from typing import Any

import pytest

from trio_calls.audio_format import AudioFormat, AudioMode
from trio_calls.config import PRODUCTION_URLS, ClientConfig
from trio_calls.errors import WSSConfigError

KEY: dict[str, Any] = {"api_key": "key", "connector_uuid": "uuid"}
CERTIFICATE: dict[str, Any] = {"cert_path": "/etc/agent.pem", "key_path": "/etc/agent.key"}
KEY_ENVIRONMENT = {"WSS_API_KEY": "key", "WSS_CONNECTOR_UUID": "uuid"}
CERTIFICATE_ENVIRONMENT = {"WSS_CERT_PATH": "/etc/agent.pem", "WSS_KEY_PATH": "/etc/agent.key"}


def test_a_sandbox_is_reached_by_api_key() -> None:
    config = ClientConfig.sandbox(api_key="key", connector_uuid="uuid")
    assert (config.api_key, config.connector_uuid) == ("key", "uuid")
    assert (config.cert_path, config.key_path) == (None, None)
    assert (config.base_url, config.sample_rate) == (PRODUCTION_URLS["first"], 24000)


def test_production_is_reached_by_certificate() -> None:
    config = ClientConfig.production(cert_path="/etc/agent.pem", key_path="/etc/agent.key")
    assert (config.cert_path, config.key_path) == ("/etc/agent.pem", "/etc/agent.key")
    assert (config.api_key, config.connector_uuid) == (None, None)
    assert (config.base_url, config.sample_rate) == (PRODUCTION_URLS["first"], 24000)


def test_further_settings_are_passed_on() -> None:
    sandbox = ClientConfig.sandbox(**KEY, base_url="ws://localhost:8080", max_concurrent_calls=3)
    production = ClientConfig.production(**CERTIFICATE, sample_rate=8000, audio_mode="isolated")
    assert (sandbox.base_url, sandbox.max_concurrent_calls) == ("ws://localhost:8080", 3)
    assert production.audio_format == AudioFormat(8000, AudioMode.ISOLATED)


def test_the_environment_gives_an_api_key() -> None:
    config = ClientConfig.from_env(KEY_ENVIRONMENT)
    assert config == ClientConfig.sandbox(**KEY)


def test_the_environment_gives_a_certificate() -> None:
    config = ClientConfig.from_env(CERTIFICATE_ENVIRONMENT)
    assert config == ClientConfig.production(**CERTIFICATE)


def test_the_environment_gives_the_url_and_the_sample_rate() -> None:
    config = ClientConfig.from_env(
        KEY_ENVIRONMENT | {"WSS_BASE_URL": "ws://localhost:8080", "WSS_SAMPLE_RATE": "16000"}
    )
    assert (config.base_url, config.sample_rate) == ("ws://localhost:8080", 16000)


def test_the_environment_gives_the_most_calls() -> None:
    config = ClientConfig.from_env(KEY_ENVIRONMENT | {"WSS_MAX_CONCURRENT_CALLS": "20"})
    assert config == ClientConfig.sandbox(**KEY, max_concurrent_calls=20)


def test_an_empty_variable_counts_as_not_set() -> None:
    optional = ("CERT_PATH", "KEY_PATH", "BASE_URL", "SAMPLE_RATE", "MAX_CONCURRENT_CALLS")
    empty = {f"WSS_{name}": "" for name in optional}
    assert ClientConfig.from_env(KEY_ENVIRONMENT | empty) == ClientConfig.sandbox(**KEY)


def test_the_process_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    optional = ("WSS_BASE_URL", "WSS_SAMPLE_RATE", "WSS_MAX_CONCURRENT_CALLS")
    for variable in (*CERTIFICATE_ENVIRONMENT, *optional):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in KEY_ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)
    assert ClientConfig.from_env() == ClientConfig.sandbox(**KEY)


def test_a_missing_api_key_is_named_with_what_to_do() -> None:
    with pytest.raises(WSSConfigError) as caught:
        ClientConfig.from_env({})
    assert str(caught.value).startswith("WSS_API_KEY is not set: export it")


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"WSS_CONNECTOR_UUID": "uuid"}, "WSS_API_KEY"),
        ({"WSS_API_KEY": "key"}, "WSS_CONNECTOR_UUID"),
        ({"WSS_CERT_PATH": "/etc/agent.pem"}, "WSS_KEY_PATH"),
        ({"WSS_KEY_PATH": "/etc/agent.key"}, "WSS_CERT_PATH"),
        (CERTIFICATE_ENVIRONMENT | {"WSS_API_KEY": "key"}, "WSS_CONNECTOR_UUID"),
        (CERTIFICATE_ENVIRONMENT | KEY_ENVIRONMENT, "WSS_API_KEY"),
        (CERTIFICATE_ENVIRONMENT | {"WSS_BASE_URL": "ws://localhost"}, "WSS_BASE_URL"),
        (KEY_ENVIRONMENT | {"WSS_BASE_URL": "localhost:8080"}, "WSS_BASE_URL"),
        (KEY_ENVIRONMENT | {"WSS_SAMPLE_RATE": "fast"}, "WSS_SAMPLE_RATE"),
        (KEY_ENVIRONMENT | {"WSS_SAMPLE_RATE": "24e3"}, "WSS_SAMPLE_RATE"),
        (KEY_ENVIRONMENT | {"WSS_SAMPLE_RATE": "9" * 5000}, "WSS_SAMPLE_RATE"),
        (KEY_ENVIRONMENT | {"WSS_SAMPLE_RATE": "44100"}, "WSS_SAMPLE_RATE"),
        (KEY_ENVIRONMENT | {"WSS_MAX_CONCURRENT_CALLS": "0"}, "WSS_MAX_CONCURRENT_CALLS"),
        (KEY_ENVIRONMENT | {"WSS_MAX_CONCURRENT_CALLS": "-1"}, "WSS_MAX_CONCURRENT_CALLS"),
        (KEY_ENVIRONMENT | {"WSS_MAX_CONCURRENT_CALLS": "2.5"}, "WSS_MAX_CONCURRENT_CALLS"),
        (KEY_ENVIRONMENT | {"WSS_MAX_CONCURRENT_CALLS": "\u0662"}, "WSS_MAX_CONCURRENT_CALLS"),
        (KEY_ENVIRONMENT | {"WSS_MAX_CONCURRENT_CALLS": "9" * 5000}, "WSS_MAX_CONCURRENT_CALLS"),
        (KEY_ENVIRONMENT | {"WSS_API_KEY": "two\nlines"}, "WSS_API_KEY"),
        (KEY_ENVIRONMENT | {"WSS_API_KEY": "trailing "}, "WSS_API_KEY"),
        (KEY_ENVIRONMENT | {"WSS_CONNECTOR_UUID": "schlüssel"}, "WSS_CONNECTOR_UUID"),
        (KEY_ENVIRONMENT | {"WSS_API_KEY": "from a Windows file\r"}, "WSS_API_KEY"),
        (KEY_ENVIRONMENT | {"WSS_API_KEY": "\ufeffkey"}, "WSS_API_KEY"),
        (KEY_ENVIRONMENT | {"WSS_API_KEY": '"key"'}, r"WSS_API_KEY\) has quotes around it"),
        (KEY_ENVIRONMENT | {"WSS_CONNECTOR_UUID": "'uuid'"}, r"_UUID\) has quotes around it"),
    ],
)
def test_a_bad_environment_is_refused_and_the_variable_named(
    environment: dict[str, str], named: str
) -> None:
    with pytest.raises(WSSConfigError, match=named):
        ClientConfig.from_env(environment)


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"api_key": "key"},
        {"connector_uuid": "uuid"},
        {"cert_path": "/etc/agent.pem"},
        {"key_path": "/etc/agent.key"},
        KEY | CERTIFICATE,
        KEY | {"api_key": ""},
        KEY | {"connector_uuid": ""},
    ],
)
def test_one_whole_pair_of_credentials_is_needed(credentials: dict[str, Any]) -> None:
    with pytest.raises(WSSConfigError, match="WSS_"):
        ClientConfig(**credentials)


@pytest.mark.parametrize(
    "credentials",
    [
        KEY | {"api_key": b"key"},
        KEY | {"api_key": ("key",)},
        KEY | {"connector_uuid": uuid.UUID(int=7)},
        CERTIFICATE | {"cert_path": b"/etc/agent.pem"},
        CERTIFICATE | {"key_path": 3},
        KEY | {"base_url": None},
        KEY | {"base_url": PurePath("wss://exchange.example")},
        KEY | {"ssl_context": True, "base_url": "wss://exchange.example"},
    ],
)
def test_values_of_another_type_are_refused_unseen(credentials: dict[str, Any]) -> None:
    with pytest.raises(WSSConfigError, match=r"^(\w+) must be .*, not \w+$") as caught:
        ClientConfig(**credentials)
    assert "key'" not in str(caught.value)


@pytest.mark.parametrize("version", ["1.0.0", "1", "2.10", "1.0.0b5", "1.0.0-rc.1+build.7"])
def test_a_version_of_the_wire(version: str) -> None:
    assert ClientConfig(**KEY, wire_version=version).wire_version == version


@pytest.mark.parametrize(
    "version",
    ["", "v1", "1.", "one", "1.0.0\r\nX-More: 1", "1.0 0", "1" * 30, "\u0661", None, 1.0],
)
def test_what_is_no_version_of_the_wire(version: Any) -> None:
    with pytest.raises(WSSConfigError, match=r"wire_version must be like 1\.0\.0"):
        ClientConfig(**KEY, wire_version=version)


@pytest.mark.parametrize(
    "base_url",
    [
        "wss://exchange.example",
        "ws://localhost:8080",
        "ws://127.0.0.1:1",
        "ws://[::1]:65535",
        "wss://exchange.example/behind/a/proxy",
    ],
)
def test_a_websocket_address_is_a_base_url(base_url: str) -> None:
    assert ClientConfig(**KEY, base_url=base_url).base_url == base_url


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "localhost",
        "localhost:8080",
        "https://exchange.example",
        "http://exchange.example",
        "wss://",
        "wss:///path",
        "wss://:8080",
        "ws://host:0",
        "ws://host:99999",
        "ws://host:port",
        "ws://[::1",
        "ws://user@host",
        "ws://user:password@host",
        "wss://host?token=1",
        "wss://host#here",
        "WSS://host",
        " wss://host",
        "wss://ho st",
        "wss://ho\tst",
        "wss://host\n",
    ],
)
def test_anything_else_is_no_base_url(base_url: str) -> None:
    with pytest.raises(WSSConfigError, match="base_url"):
        ClientConfig(**KEY, base_url=base_url)


@pytest.mark.parametrize("sample_rate", [0, -8000, 44100, 24001, True, "24000", None, 8000.0])
def test_only_the_rates_of_the_exchange_are_sample_rates(sample_rate: Any) -> None:
    with pytest.raises(WSSConfigError, match="sample_rate"):
        ClientConfig(**KEY, sample_rate=sample_rate)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 24000])
def test_the_audio_format_follows_the_sample_rate(sample_rate: int) -> None:
    audio_format = ClientConfig(**KEY, sample_rate=sample_rate).audio_format
    assert audio_format.bytes_per_second == 2 * sample_rate
    assert audio_format.frame_bytes * 50 == 2 * sample_rate


BOUNDS = [
    "max_concurrent_calls",
    "send_buffer_bytes",
    "send_buffer_seconds",
    "receive_buffer_seconds",
    "after_call_seconds",
    "close_grace_seconds",
    "drain_seconds",
    "keep_alive_seconds",
    "blocked_warning_seconds",
]


@pytest.mark.parametrize("value", [0, -1, True, float("nan")])
@pytest.mark.parametrize("bound", BOUNDS)
def test_bounds_are_greater_than_zero(bound: str, value: float) -> None:
    settings: dict[str, Any] = {bound: value}
    with pytest.raises(WSSConfigError, match=bound):
        ClientConfig(**KEY, **settings)


STRANGE = [math.inf, -math.inf, math.nan, "10", b"10", 10**20, 1j, [], {}, object()]


@pytest.mark.parametrize("value", STRANGE)
@pytest.mark.parametrize("bound", [*BOUNDS, "sample_rate"])
def test_strange_numbers_are_refused_when_they_are_given(bound: str, value: Any) -> None:
    may_have_any_size = bound in {"max_concurrent_calls", "send_buffer_bytes"}
    may_be_endless = bound in {"drain_seconds", "keep_alive_seconds", "blocked_warning_seconds"}
    if (may_have_any_size and value == 10**20) or (may_be_endless and value == math.inf):
        assert getattr(ClientConfig(**KEY, **{bound: value}), bound) == value
        return
    with pytest.raises(WSSConfigError, match=bound):
        ClientConfig(**KEY, **{bound: value})


@pytest.mark.parametrize("bound", ["max_concurrent_calls", "send_buffer_bytes"])
@pytest.mark.parametrize("value", [1.0, 500.0, 1.5, 1e300])
def test_what_is_counted_is_a_whole_number(bound: str, value: float) -> None:
    settings: dict[str, Any] = {bound: value}
    with pytest.raises(WSSConfigError, match=bound):
        ClientConfig(**KEY, **settings)


def test_an_unknown_audio_mode_is_refused() -> None:
    with pytest.raises(WSSConfigError, match="audio_mode must be mixed or isolated"):
        ClientConfig(**KEY, audio_mode="stereo")


def test_tls_settings_need_a_tls_address() -> None:
    with pytest.raises(WSSConfigError, match="wss://"):
        ClientConfig(**KEY, base_url="ws://host", ssl_context=ssl.create_default_context())
    with pytest.raises(WSSConfigError, match="wss://"):
        ClientConfig(**CERTIFICATE, base_url="ws://host")
