"""The Helm chart, rendered by Helm itself and held against Kubernetes' own schemas, without a cluster.

Needs what `make chart` installs: helm-python-sdk and kubernetes-validate.
"""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from merchant.core.settings import load
from merchant.programs import safety
from merchant.programs.database_roles import script
from tests.deploy.tools import DEPLOY

helm: Any = pytest.importorskip("helm_python", reason="Helm is not here (make chart)")
kubernetes: Any = pytest.importorskip("kubernetes_validate", reason="Kubernetes' schemas are not here (make chart)")
yaml: Any = pytest.importorskip("yaml", reason="no reader of YAML is here (make chart)")

CHART = DEPLOY / "helm" / "merchant"
VERSIONS = ("1.25", "1.33")
KEY = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SECRETS = {"secretKey": KEY, "gatewaySecret": "x" * 44}
EXTERNAL: dict[str, Any] = {
    "image": {"repository": "registry.example.org/merchant"},
    "publicUrl": "https://pay.example.org",
    "secrets": {
        **SECRETS,
        "databaseUrl": "postgresql://merchant_login:a@db.example.org/merchant",
        "ownerUrl": "postgresql://merchant_owner:b@db.example.org/merchant",
    },
}
BUNDLED: dict[str, Any] = {
    **EXTERNAL,
    "secrets": SECRETS,
    "postgresql": {"bundled": True, "ownerPassword": "a", "loginPassword": "b", "adminPassword": "c"},
}
EVERYTHING: dict[str, Any] = {
    **BUNDLED,
    "image": {"repository": "registry.example.org/merchant", "digest": "sha256:" + "0" * 64},
    "imagePullSecrets": [{"name": "registry"}],
    "settings": {"MERCHANT_MAIL_KIND": "none", "MERCHANT_HUB_URL": "https://hub.example.org"},
    "extraEnvFrom": [{"secretRef": {"name": "mail"}}],
    "web": {"autoscaling": {"enabled": True}},
    "worker": {"autoscaling": {"enabled": True, "selector": {"topic": "hub.send"}}},
    "backup": {"enabled": True, "claim": "backups"},
    "ingress": {"className": "traefik", "annotations": {"a/b": "c"}, "hub": {"annotations": {"d/e": "f"}}},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "payments", "operator": "Exists"}],
    "podAnnotations": {"a": "b"},
}
IN_CLUSTER: dict[str, Any] = {**EXTERNAL, "hubProxy": {"enabled": True, "namespaces": ["mojaloop"]}}
OWN: dict[str, Any] = {
    **EXTERNAL,
    "secrets": {},
    "existingSecret": "ours",
    "persistence": {"existingClaim": "ours"},
    "ingress": {"enabled": False},
    "networkPolicy": {"enabled": False},
    "topologySpread": False,
}
CASES = {"external": EXTERNAL, "bundled": BUNDLED, "everything": EVERYTHING, "in_cluster": IN_CLUSTER, "own": OWN}
Objects = dict[tuple[str, str], dict[str, Any]]


def render(values: dict[str, Any], name: str = "demo") -> Objects:
    """Every object, by kind and name."""
    with helm.Chart.load(str(CHART)) as chart:
        files = chart.render(copy.deepcopy(values), name=name, namespace="payments")
    found = [one for path, text in files.items() if path.endswith(".yaml") for one in yaml.safe_load_all(text) if one]
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


def overlay(name: str) -> dict[str, Any]:
    """The values of an overlay, with what it leaves to the command line."""
    given: dict[str, Any] = yaml.safe_load((DEPLOY / "helm" / "overlays" / f"{name}.yaml").read_text())
    image = {"repository": "registry.example.org/merchant"}
    if given.get("postgresql", {}).get("bundled"):
        passwords = {"ownerPassword": "a", "loginPassword": "b", "adminPassword": "c"}
        return {**given, "image": image, "secrets": SECRETS, "postgresql": given["postgresql"] | passwords}
    return {"publicUrl": "https://pay.example.org", **given, "image": image, "existingSecret": "merchant"}


def pods(objects: Objects) -> dict[str, dict[str, Any]]:
    """The pods' own part of everything that makes pods, by name."""
    found = {}
    for (kind, name), one in objects.items():
        if kind in ("Deployment", "StatefulSet", "Job"):
            found[name] = one["spec"]["template"]["spec"]
        elif kind == "CronJob":
            found[name] = one["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_helm_finds_nothing_wrong_with_it(values: dict[str, Any]) -> None:
    found = helm.lint(str(CHART), values) if values else helm.lint(str(CHART))
    assert [one for one in found["messages"] if one["severity"] > 2] == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_kubernetes_takes_every_object_strictly(values: dict[str, Any], version: str) -> None:
    objects = render(values)
    assert len(objects) >= 7
    for one in objects.values():
        kubernetes.validate(one, version, strict=True)


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_every_pod_keeps_the_restricted_pod_security_standard(values: dict[str, Any]) -> None:
    for name, pod in pods(render(values)).items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, name  # MERCHANT_WEB_SERVICE_HOST is no setting of ours
        for container in [*pod.get("initContainers", ()), *pod["containers"]]:
            kept = container["securityContext"]
            assert kept["allowPrivilegeEscalation"] is False, name
            assert kept["readOnlyRootFilesystem"] is True, name
            assert kept["capabilities"] == {"drop": ["ALL"]}, name
            assert "memory" in container["resources"].get("limits", {}) or "postgresql" in name, name


def test_what_the_programs_are_given_is_safe_where_others_reach_them() -> None:
    objects = render(EXTERNAL)
    data = objects["ConfigMap", "demo"]["data"]
    secret = objects["Secret", "demo"]["stringData"]
    given = {**data, "MERCHANT_SECRET_KEY": secret["secret-key"], "MERCHANT_GATEWAY_SECRET": secret["gateway-secret"]}
    settings = load(given | {"MERCHANT_DATABASE_URL": secret["database-url"]})
    assert settings.data_dir.is_relative_to("/var/lib/merchant") and settings.data_dir != Path("/var/lib/merchant")
    assert not settings.is_local
    assert [one for one in safety.faults(settings) if one.severity == "error"] == []


def test_only_migration_and_backup_have_the_owners_login() -> None:
    owners = {name for name, pod in pods(render(EVERYTHING)).items() if "owner-url" in json.dumps(pod)}
    assert owners == {"demo-migrate-1", "demo-backup"}


def test_programs_wait_for_the_schema_that_a_job_makes() -> None:
    objects = render(EXTERNAL)
    [container] = pods(objects)["demo-migrate-1"]["containers"]
    assert container["args"] == ["migrate"]
    for name in ("demo-web", "demo-worker"):
        [first] = pods(objects)[name]["initContainers"]
        assert "merchant migrate --check" in first["command"][-1]


def test_probes_ask_for_the_program_and_not_for_the_whole_service() -> None:
    for name in ("demo-web", "demo-worker"):
        [container] = pods(render(EXTERNAL))[name]["containers"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["path"] == "/health/live"


def test_workers_are_scaled_by_the_age_of_the_outbox() -> None:
    scaler = render(EVERYTHING)["HorizontalPodAutoscaler", "demo-worker"]["spec"]
    [metric] = scaler["metrics"]
    assert metric["external"]["metric"]["name"] == "merchant_outbox_oldest_due_seconds"
    assert "replicas" not in render(EVERYTHING)["Deployment", "demo-worker"]["spec"]


def test_an_eviction_takes_one_pod_at_a_time() -> None:
    budgets = {name: one["spec"] for (kind, name), one in render(EXTERNAL).items() if kind == "PodDisruptionBudget"}
    assert {name: spec["maxUnavailable"] for name, spec in budgets.items()} == {"demo-web": 1, "demo-worker": 1}


def test_the_network_lets_in_who_is_named_and_the_database_only_ours() -> None:
    objects = render(BUNDLED)
    ours = objects["NetworkPolicy", "demo"]["spec"]
    assert ours["policyTypes"] == ["Ingress", "Egress"]
    [entry] = ours["ingress"]
    assert len(entry["from"]) == 2
    database = objects["NetworkPolicy", "demo-postgresql"]["spec"]
    assert "egress" not in database
    [entry] = database["ingress"]
    assert entry["ports"] == [{"port": 5432}]


def test_selectors_find_the_pods_that_they_mean() -> None:
    objects = render(EVERYTHING)
    made = {name: one for (kind, name), one in objects.items() if kind in ("Deployment", "StatefulSet")}
    labels = {name: one["spec"]["template"]["metadata"]["labels"] for name, one in made.items()}
    for service in ("demo-web", "demo-postgresql"):
        selector = objects["Service", service]["spec"]["selector"]
        assert [name for name, told in labels.items() if selector.items() <= told.items()] == [service]


def test_the_hubs_paths_have_an_ingress_of_their_own_of_any_class() -> None:
    objects = render(EVERYTHING)
    hub = objects["Ingress", "demo-hub"]
    assert [one["path"] for one in hub["spec"]["rules"][0]["http"]["paths"]] == ["/oracle", "/fspiop"]
    assert hub["spec"]["ingressClassName"] == objects["Ingress", "demo"]["spec"]["ingressClassName"] == "traefik"
    assert hub["metadata"]["annotations"] == {"d/e": "f"}
    assert "ingressClassName" not in render(EXTERNAL)["Ingress", "demo"]["spec"]


def test_a_hub_of_the_same_cluster_is_let_in_by_a_program_that_adds_the_secret_for_it_alone() -> None:
    objects = render(IN_CLUSTER)
    policy = objects["NetworkPolicy", "demo-hub"]["spec"]
    namespaces = [one["namespaceSelector"]["matchLabels"] for one in policy["ingress"][0]["from"]]
    assert namespaces == [{"kubernetes.io/metadata.name": "mojaloop"}]
    into_web = objects["NetworkPolicy", "demo"]["spec"]["ingress"][0]["from"]
    assert [one for one in into_web if "podSelector" in one]
    variables = set(re.findall(r"\$\{(\w+)\}", objects["ConfigMap", "demo-hub"]["data"]["default.conf.template"]))
    [container] = pods(objects)["demo-hub"]["containers"]
    assert variables <= {one["name"] for one in container["env"]}


def test_a_cluster_with_the_gateway_api_has_a_route_and_no_ingress() -> None:
    objects = render(overlay("deployment-kit"))
    assert not [kind for kind, _ in objects if kind == "Ingress"]
    route = objects["HTTPRoute", "demo"]["spec"]
    assert route["parentRefs"] == [{"name": "gw-ext", "namespace": "platform-system"}]
    assert route["hostnames"] == ["pay.example.org"]


@pytest.mark.parametrize("name", ["mini-loop", "deployment-kit"])
def test_an_overlay_is_taken_by_kubernetes_and_by_the_program(name: str) -> None:
    objects = render(overlay(name))
    for (kind, _), one in objects.items():
        if kind != "HTTPRoute":  # which is no object of Kubernetes' own
            kubernetes.validate(one, VERSIONS[-1], strict=True)
    load(objects["ConfigMap", "demo"]["data"])


def test_a_secret_of_ones_own_is_used_and_none_is_made() -> None:
    objects = render(OWN)
    assert not [kind for kind, _ in objects if kind in ("Secret", "PersistentVolumeClaim", "Ingress", "NetworkPolicy")]
    assert '"ours"' in json.dumps(pods(objects)["demo-web"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"publicUrl": "http://pay.example.org"},
        {"publicUrl": ""},
        {"image": {"repository": ""}},
        {"image": {"repository": "a", "digest": "latest"}},
        {"secrets": {}},
        {"secrets": SECRETS},
        {"settings": {"lower": "1"}},
        {"hubProxy": {"enabled": True}},
        {"networkPolicy": {"ingressNamespaces": [], "monitoringNamespaces": []}},
        {"web": {"replicas": 0}},
        {"backup": {"enabled": True}},
        {"postgresql": {"bundled": True, "ownerPassword": "a'b", "loginPassword": "b", "adminPassword": "c"}},
        {"postgresql": {"bundled": True}, "secrets": SECRETS},
    ],
    ids=str,
)
def test_values_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(helm.HelmError):
        render({**EXTERNAL, **wrong})


def test_the_roles_are_those_that_the_command_prints() -> None:
    shipped = (CHART / "files" / "make-roles.sql").read_text()
    assert shipped == script("merchant", "merchant_owner", "merchant_login", "merchant_app", "merchant_system")
