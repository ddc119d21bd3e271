import logging
import traceback
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from tests.support.shown_locals import shown_locals
from trio_calls.config import ClientConfig
from trio_calls.errors import WSSConfigError

SECRET = "s3cr3t-0123456789"

CONFIGS: list[dict[str, Any]] = [
    {"api_key": SECRET, "connector_uuid": f"{SECRET}-uuid"},
    {"cert_path": f"/{SECRET}/agent.pem", "key_path": f"/{SECRET}/agent.key"},
]

BAD_ENVIRONMENTS = [
    {"WSS_API_KEY": SECRET},
    {"WSS_CONNECTOR_UUID": SECRET},
    {"WSS_CERT_PATH": SECRET},
    {"WSS_KEY_PATH": SECRET},
    {"WSS_API_KEY": SECRET, "WSS_CONNECTOR_UUID": SECRET, "WSS_CERT_PATH": SECRET},
    {
        "WSS_API_KEY": SECRET,
        "WSS_CONNECTOR_UUID": SECRET,
        "WSS_CERT_PATH": SECRET,
        "WSS_KEY_PATH": SECRET,
    },
    {"WSS_API_KEY": f"{SECRET}\n", "WSS_CONNECTOR_UUID": SECRET},
    {"WSS_API_KEY": SECRET, "WSS_CONNECTOR_UUID": f"{SECRET}é"},
    {"WSS_API_KEY": SECRET, "WSS_CONNECTOR_UUID": SECRET, "WSS_BASE_URL": "nowhere"},
    {"WSS_API_KEY": SECRET, "WSS_CONNECTOR_UUID": SECRET, "WSS_SAMPLE_RATE": SECRET},
    *(
        {"WSS_API_KEY": SECRET, "WSS_CONNECTOR_UUID": SECRET, "WSS_BASE_URL": base_url}
        for base_url in (
            f"wss://agent:{SECRET}@host",
            f"wss://{SECRET}@host",
            f"wss://host?api_key={SECRET}",
            f"wss://host#{SECRET}",
            f"https://{SECRET}@host",
            f"wss://host:{SECRET}",
            f"wss://[{SECRET}",
        )
    ),
]


@pytest.mark.parametrize("credentials", CONFIGS)
def test_a_config_never_shows_its_secrets(
    credentials: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    config = ClientConfig(**credentials)
    logging.getLogger().warning("the config is %s, %r", config, config)
    assert SECRET not in f"{config} {config!r} {[config]} {caplog.text}"
    assert "'***'" in repr(config)


def test_a_repr_tells_which_credentials_are_there() -> None:
    config = ClientConfig(**CONFIGS[0])
    assert "api_key='***'" in repr(config)
    assert "cert_path=None" in repr(config)


@pytest.mark.parametrize("environment", BAD_ENVIRONMENTS)
def test_no_error_shows_a_secret(environment: dict[str, str]) -> None:
    with pytest.raises(WSSConfigError) as caught:
        ClientConfig.from_env(environment)
    shown = "".join(traceback.format_exception(caught.value))
    assert "WSS_" in str(caught.value)
    assert SECRET not in shown + repr(caught.value)


@pytest.mark.parametrize("environment", BAD_ENVIRONMENTS)
def test_no_variable_of_a_traceback_shows_a_secret(environment: dict[str, str]) -> None:
    with pytest.raises(WSSConfigError) as caught:
        ClientConfig.from_env(environment)
    assert SECRET not in shown_locals(caught.value)


@pytest.mark.parametrize("make", [ClientConfig, ClientConfig.sandbox])
@pytest.mark.parametrize(
    "setting", [{"sample_rate": 1}, {"base_url": "nowhere"}, {"api_key": f"{SECRET}\n"}]
)
def test_no_argument_of_a_config_shows_in_a_traceback(
    make: Callable[..., ClientConfig], setting: dict[str, Any]
) -> None:
    with pytest.raises(WSSConfigError) as caught:
        make(**{"api_key": SECRET, "connector_uuid": SECRET} | setting)
    assert SECRET not in shown_locals(caught.value)


def test_no_argument_of_a_changed_config_shows_in_a_traceback() -> None:
    config = ClientConfig(api_key=SECRET, connector_uuid=SECRET)
    with pytest.raises(WSSConfigError) as caught:
        attrs.evolve(config, drain_seconds=-1)
    assert SECRET not in shown_locals(caught.value)
