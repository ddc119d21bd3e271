"""The reference has every public name."""

import re
from pathlib import Path

import attrs
import pytest

import trio_calls
import trio_calls.simulator
import trio_calls.testing

pytestmark = pytest.mark.pure

PAGES = Path(__file__).resolve().parents[2] / "docs" / "reference"
REFERENCE = (PAGES / "api.rst").read_text(encoding="utf-8")
SETTINGS = (PAGES / "settings.rst").read_text(encoding="utf-8")
REFERENCE_OF_TESTING = (PAGES / "testing.rst").read_text(encoding="utf-8")


def described(page: str) -> set[str]:
    return set(re.findall(r"^\.\. auto\w+:: ([\w.]+)", page, re.M))


@pytest.mark.parametrize("name", [name for name in trio_calls.__all__ if name != "__version__"])
def test_name_of_the_package(name: str) -> None:
    assert described(REFERENCE) & {name, f"trio_calls.{name}"}


@pytest.mark.parametrize("name", trio_calls.simulator.__all__)
def test_name_of_the_simulator(name: str) -> None:
    assert name in described(REFERENCE)


@pytest.mark.parametrize("name", trio_calls.testing.__all__)
def test_name_of_the_testing_module(name: str) -> None:
    assert name in described(REFERENCE_OF_TESTING)


@pytest.mark.parametrize("module", ["audio", "telemetry", "voice"])
def test_every_name_of_the_module(module: str) -> None:
    assert f".. automodule:: trio_calls.{module}\n   :members:\n" in REFERENCE


def test_the_defaults_of_every_setting() -> None:
    credentials = {"api_key", "connector_uuid", "cert_path", "key_path"}
    config = trio_calls.ClientConfig.sandbox(api_key="key", connector_uuid="uuid")
    values = attrs.asdict(config, recurse=False)
    defaults = {
        name: str(value)
        if isinstance(value, trio_calls.AudioMode | trio_calls.AgentMode)
        else repr(value)
        for name, value in values.items()
        if name not in credentials and not name.startswith("_")
    }
    assert dict(re.findall(r"\* - ``([a-z]\w*)``\n +- ``([^`]+)``", SETTINGS)) == defaults
