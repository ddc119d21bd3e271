"""The manifests: what Kubernetes' own schemas say of them, and what calls need of them."""

from __future__ import annotations

import copy
import json
import math
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from tests.support.containerfile import parse
from tests.support.deployment import FILES, options_of_run, read_document, read_documents
from tests.support.requirements import do_without
from trio_calls import ClientConfig
from trio_calls.config import _ENVIRONMENT

pytestmark = pytest.mark.pure

MANIFESTS = FILES / "kubernetes"
OVERLAYS = ("base", "call-centre")
#: The oldest that everything in the manifests is sure of, and the newest that is known here.
VERSIONS = ("1.30", kubernetes_validate.latest_version())
SCHEMA = json.loads(Path(__file__).with_name("scaled-object.schema.json").read_text("utf-8"))

DEPLOYMENT = read_document("kubernetes", "base", "deployment.yaml")
POD = DEPLOYMENT["spec"]["template"]["spec"]
AGENT, DELETION_COST = POD["containers"]


def render(folder: str) -> list[dict[str, Any]]:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        do_without("kubectl", "there is no kubectl here, which renders the manifests")
    rendered = subprocess.run(
        [kubectl, "kustomize", MANIFESTS / folder], check=True, capture_output=True
    )
    assert rendered.stderr == b""
    return list(yaml.safe_load_all(rendered.stdout))


def of_kind(kind: str, documents: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = (one for one in documents if one["kind"] == kind)
    return found


def option(arguments: list[str], name: str) -> str:
    return arguments[arguments.index(name) + 1]


def validate(document: dict[str, Any]) -> None:
    if document["kind"] == "ScaledObject":
        jsonschema.validate(document, SCHEMA)
    elif document["kind"] != "Kustomization":
        for version in VERSIONS:
            kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("path", sorted(MANIFESTS.rglob("*.yaml")), ids=lambda path: path.name)
def test_every_file_is_valid(path: Path) -> None:
    for document in read_documents(str(path)):
        validate(document)


@pytest.mark.parametrize("folder", OVERLAYS)
def test_what_is_rendered_is_valid(folder: str) -> None:
    documents = render(folder)
    assert len(documents) >= 6
    for document in documents:
        validate(document)


def test_a_misspelt_field_is_found() -> None:
    deployment = copy.deepcopy(DEPLOYMENT)
    deployment["spec"]["template"]["spec"]["terminationGracePeriod"] = 600
    with pytest.raises(kubernetes_validate.ValidationError):
        validate(deployment)
    scaled = read_document("kubernetes", "call-centre", "scaled-object.yaml")
    scaled["spec"]["maxReplicas"] = 40
    with pytest.raises(jsonschema.ValidationError):
        validate(scaled)


def test_a_pod_has_as_long_as_its_calls() -> None:
    drain_seconds = float(option(AGENT["args"], "--drain-seconds"))
    config = ClientConfig.sandbox(api_key="key", connector_uuid="uuid")
    needed = drain_seconds + config.close_grace_seconds + 5
    assert POD["terminationGracePeriodSeconds"] >= needed
    # SIGTERM drains by itself. What a hook takes would be taken from the calls.
    assert "lifecycle" not in AGENT


def test_whoever_is_stuck_is_not_waited_for() -> None:
    liveness = AGENT["livenessProbe"]
    assert liveness["terminationGracePeriodSeconds"] < POD["terminationGracePeriodSeconds"]
    # A moment of heavy load must not cost fifty people their call.
    assert liveness["periodSeconds"] * liveness["failureThreshold"] >= 60


def test_no_place_is_given_up_before_there_is_another() -> None:
    update = DEPLOYMENT["spec"]["strategy"]["rollingUpdate"]
    assert update["maxUnavailable"] == 0
    budget = read_document("kubernetes", "base", "disruption-budget.yaml")
    assert budget["spec"]["maxUnavailable"] == 1
    assert budget["spec"]["selector"] == DEPLOYMENT["spec"]["selector"]


def test_probes_ask_pages_of_the_monitor() -> None:
    paths = {name: AGENT[name]["httpGet"] for name in AGENT if name.endswith("Probe")}
    assert {name: page["path"] for name, page in paths.items()} == {
        "readinessProbe": "/readyz",
        "livenessProbe": "/healthz",
        "startupProbe": "/healthz",
    }
    (port,) = AGENT["ports"]
    assert {page["port"] for page in paths.values()} == {port["name"]}
    assert option(AGENT["args"], "--monitor") == f"0.0.0.0:{port['containerPort']}"


@pytest.mark.parametrize("container", POD["containers"], ids=lambda one: one["name"])
def test_no_container_has_a_privilege(container: dict[str, Any]) -> None:
    security = container["securityContext"]
    assert security["runAsUser"] > 0
    assert security["readOnlyRootFilesystem"]
    assert not security["allowPrivilegeEscalation"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert POD["securityContext"]["runAsNonRoot"]
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}


def test_the_agent_has_no_token() -> None:
    assert not POD["automountServiceAccountToken"]
    assert "volumeMounts" not in AGENT
    # In a shared space of processes, only another user cannot read /proc of the other container.
    users = {one["securityContext"]["runAsUser"] for one in POD["containers"]}
    assert not POD["shareProcessNamespace"] or len(users) == len(POD["containers"])


def test_pods_may_change_pods_and_nothing_else() -> None:
    documents = read_documents("kubernetes", "base", "service-account.yaml")
    role = of_kind("Role", documents)
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]}]
    binding = of_kind("RoleBinding", documents)
    account = of_kind("ServiceAccount", documents)["metadata"]["name"]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account}]
    assert POD["serviceAccountName"] == account


def test_pods_are_added_below_what_they_admit() -> None:
    settings = {one["name"]: one.get("value") for one in AGENT["env"]}
    most = int(settings["WSS_MAX_CONCURRENT_CALLS"])
    scaled = read_document("kubernetes", "call-centre", "scaled-object.yaml")["spec"]
    (trigger,) = scaled["triggers"]
    wanted = float(trigger["metadata"]["threshold"])
    assert 0.5 * most <= wanted <= 0.8 * most
    assert trigger["metricType"] == "AverageValue"
    assert scaled["scaleTargetRef"]["name"] == DEPLOYMENT["metadata"]["name"]
    assert scaled["minReplicaCount"] >= 2
    assert scaled["minReplicaCount"] < scaled["fallback"]["replicas"] <= scaled["maxReplicaCount"]
    # Whoever asks Prometheus asks about the pods of this namespace.
    overlay = read_document("kubernetes", "call-centre", "kustomization.yaml")
    assert f'namespace="{overlay["namespace"]}"' in trigger["metadata"]["query"]


def test_as_many_pods_as_calls_fill() -> None:
    # As the autoscaler does it: the sum over the target, rounded up.
    scaled = read_document("kubernetes", "call-centre", "scaled-object.yaml")["spec"]
    wanted = float(scaled["triggers"][0]["metadata"]["threshold"])
    text = (MANIFESTS / "call-centre" / "scaled-object.yaml").read_text("utf-8")
    percent, each, most = re.findall(r"to (\d+) %: (\d+) of the (\d+)", text)[0]
    assert int(each) == wanted == int(most) * int(percent) / 100
    assert math.ceil(200 / wanted) == 6


def test_the_number_of_pods_is_left_to_keda() -> None:
    documents = render("call-centre")
    assert "replicas" not in of_kind("Deployment", documents)["spec"]
    assert {one["metadata"].get("namespace", "call-centre") for one in documents} == {"call-centre"}


def test_arguments_and_settings_are_those_of_the_command() -> None:
    assert options_of_run(AGENT["args"])["monitor"] == "0.0.0.0:9090"
    named = {one["name"] for one in AGENT["env"] if one["name"].startswith("WSS_")}
    assert named <= set(_ENVIRONMENT.values())


def test_the_second_container_runs_what_the_image_has() -> None:
    image = parse((FILES / "Containerfile").read_text("utf-8"))
    (folder,) = [one.words[0] for one in image if one.name == "WORKDIR"][-1:]
    assert DELETION_COST["command"] == ["python", f"{folder}/deletion_cost.py"]
