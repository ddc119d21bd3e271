"""The Compose file, and what it mounts."""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import Any

import jsonschema
import pytest

from tests.support.deployment import CHECKOUT, FILES, options_of_run, read_document
from trio_calls import ClientConfig
from trio_calls.cli.fleet import REDIS_VARIABLE
from trio_calls.config import _ENVIRONMENT

pytestmark = pytest.mark.pure

COMPOSE = read_document("compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
AGENTS = SERVICES["agents"]


def duration(text: str) -> int:
    """Return the seconds of a duration like ``10m10s``."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", text))


def test_it_is_a_compose_file() -> None:
    pytest.importorskip("check_jsonschema", reason="the extra `test` brings it")
    vendor = resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((vendor / "compose-spec.json").read_text("utf-8"))
    jsonschema.validate(COMPOSE, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"services": {"agents": {"stop_grace": "1m"}}}, schema)


def test_agents_have_as_long_as_their_calls() -> None:
    options = options_of_run(AGENTS["command"])
    config = ClientConfig.sandbox(api_key="key", connector_uuid="uuid")
    needed = options["drain_seconds"] + config.close_grace_seconds + 5
    assert duration(AGENTS["stop_grace_period"]) >= needed
    assert AGENTS["init"]


def test_agents_have_no_privilege() -> None:
    assert AGENTS["read_only"]
    assert AGENTS["cap_drop"] == ["ALL"]
    assert AGENTS["security_opt"] == ["no-new-privileges:true"]


def test_no_check_needs_a_shell() -> None:
    assert AGENTS["healthcheck"]["test"][0] == "CMD"
    assert "/healthz" in AGENTS["healthcheck"]["test"][-1]
    assert all(isinstance(one["command"], list) for one in SERVICES.values() if "command" in one)


def test_what_is_mounted_is_there() -> None:
    mounts = [mount for one in SERVICES.values() for mount in one.get("volumes", [])]
    sources = [mount.partition(":")[0] for mount in mounts]
    files = [FILES / source for source in sources if source.startswith(".")]
    assert len(files) == 5
    assert [str(file) for file in files if not file.exists()] == []
    assert {source for source in sources if not source.startswith(".")} == set(COMPOSE["volumes"])


def test_it_is_built_from_the_checkout() -> None:
    build = AGENTS["build"]
    assert (FILES / build["context"]).resolve() == CHECKOUT
    assert (CHECKOUT / build["dockerfile"]).exists()


def test_the_settings_are_those_that_are_read() -> None:
    lines = (FILES / "exchange.env.example").read_text("utf-8").splitlines()
    named = [line.partition("=")[0] for line in lines if not line.startswith("#")]
    assert {*named, *AGENTS["environment"]} <= {*_ENVIRONMENT.values(), REDIS_VARIABLE}
    assert FILES.joinpath(f"{AGENTS['env_file']}.example").exists()


def test_only_agents_reach_redis() -> None:
    (network,) = SERVICES["redis"]["networks"]
    assert [name for name, one in SERVICES.items() if network in one["networks"]] == [
        "agents",
        "redis",
    ]
    assert AGENTS["environment"][REDIS_VARIABLE] == "redis://redis:6379/0"
    assert "ports" not in SERVICES["redis"]


def test_prometheus_watches_the_agents() -> None:
    watched = read_document("prometheus", "prometheus.yml")
    (job,) = watched["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    assert found["names"] == ["agents"]
    assert [str(found["port"])] == AGENTS["expose"]
    assert all((FILES / "prometheus" / name).exists() for name in watched["rule_files"])


def test_grafana_finds_prometheus_and_the_dashboards() -> None:
    (source,) = read_document("grafana", "datasources.yaml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    providers = read_document("grafana", "dashboards.yaml")["providers"]
    folders = [provider["options"]["path"] for provider in providers]
    mounted = [mount.split(":")[1] for mount in SERVICES["grafana"]["volumes"]]
    assert folders[0] in mounted
    assert any(target.startswith(f"{folders[1]}/") for target in mounted)
