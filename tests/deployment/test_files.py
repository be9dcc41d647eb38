"""The files under deploy/ fit the schemas of what reads them, and run the roles that there are."""

import json
import re
import shutil
from pathlib import Path

import pytest
from tests.deployment.deployed import (
    BIN,
    DEPLOY,
    UNIT,
    commands,
    compose,
    documents,
    manifests,
    pods,
    tool,
    unit_command,
)

from laurels.runtime.roles import CHOICES, ROLES
from laurels.settings import load, table

KUBERNETES = DEPLOY / "kubernetes"
STAYING = ("http", "work", "project", "notify")
SECURE_ENOUGH = "20"
"""By `systemd-analyze security`, in tenths: 0 is nothing at all, 96 a service without any line about it."""


def test_yaml_is_well_formed() -> None:
    done = tool("yamllint", "--strict", "--config-file", DEPLOY / ".yamllint", DEPLOY)
    assert done.returncode == 0, done.stdout


def test_the_dockerfile_is_linted() -> None:
    done = tool("hadolint", "--failure-threshold", "style", "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_the_compose_file_fits_its_schema() -> None:
    done = tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml")
    assert done.returncode == 0, done.stdout


def test_compose_asks_for_every_variable_that_it_needs() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text("utf-8")))
    offered = set(re.findall(r"^(\w+)=", (DEPLOY / "compose.env.example").read_text("utf-8"), re.MULTILINE))
    assert asked == offered


def test_the_manifests_fit_their_schemas() -> None:
    files = [KUBERNETES / name for name in documents(KUBERNETES / "kustomization.yaml")[0]["resources"]]
    done = tool("kubernetes-validate", "--strict", *files)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count(" passed ") + done.stdout.count(" passed ") == len(manifests())


def test_the_kustomization_leaves_no_manifest_out() -> None:
    (kustomization,) = documents(KUBERNETES / "kustomization.yaml")
    assert {*kustomization["resources"], "kustomization.yaml"} == {path.name for path in KUBERNETES.glob("*.yaml")}
    examples = {path.name.removesuffix(".example") for path in KUBERNETES.glob("*.example")}
    assert set(kustomization["secretGenerator"][0]["envs"]) == examples


def test_kubectl_takes_the_kustomization(tmp_path: Path) -> None:
    """Where there is a kubectl; no package of the tests' brings one."""
    if shutil.which("kubectl") is None:
        return
    folder = Path(shutil.copytree(KUBERNETES, tmp_path / "kubernetes"))
    (folder / "secrets.env.example").rename(folder / "secrets.env")
    (folder / "names.key").write_text("ab" * 32, "ascii")
    done = tool("kubectl", "kustomize", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("image: laurels:0.2") == 2 * len(pods())


def test_every_pod_is_confined_and_bounded() -> None:
    for name, pod in pods().items():
        assert pod["securityContext"]["runAsNonRoot"], name
        for container in (*pod["initContainers"], *pod["containers"]):
            confined = container["securityContext"]
            assert confined["capabilities"] == {"drop": ["ALL"]}, name
            assert confined["readOnlyRootFilesystem"], name
            assert not confined["allowPrivilegeEscalation"], name
            assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
            assert "memory" in container["resources"]["limits"], name


def test_every_deployment_survives_a_node_being_emptied() -> None:
    deployed = {one["metadata"]["name"]: one["spec"] for one in manifests() if one["kind"] == "Deployment"}
    budgets = {one["metadata"]["name"]: one["spec"] for one in manifests() if one["kind"] == "PodDisruptionBudget"}
    assert set(deployed) == set(budgets) == {f"laurels-{name}" for name in STAYING}
    for name, spec in deployed.items():
        assert spec["selector"] == budgets[name]["selector"], name
        assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"], name
        assert spec["replicas"] > budgets[name]["maxUnavailable"], name


def test_pods_are_asked_whether_they_live_and_whether_they_serve() -> None:
    (container,) = pods()["laurels-http"]["containers"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}, "a late board is no reason"
    (ports,) = [one["spec"]["ports"] for one in manifests() if one["kind"] == "Service"]
    assert {one["targetPort"] for one in ports} == {one["name"] for one in container["ports"]}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze: install systemd")
def test_the_units_are_what_systemd_takes_and_confined(tmp_path: Path) -> None:
    """With the program of this environment in its place, and one instance for each process of the table of roles."""
    unit = UNIT.read_text("utf-8").replace("/opt/laurels/bin/laurels", str(BIN / "laurels"))
    shutil.copy(DEPLOY / "systemd/laurels.target", tmp_path)
    for process in dict.fromkeys(role.process for role in ROLES):
        instance = tmp_path / f"laurels@{process}.service"
        instance.write_text(unit, "utf-8")
        done = tool("systemd-analyze", "verify", "--man=no", instance, tmp_path / "laurels.target")
        assert (done.returncode, done.stderr) == (0, "")
        done = tool("systemd-analyze", "security", "--offline=yes", f"--threshold={SECURE_ENOUGH}", instance)
        assert done.returncode == 0, done.stdout[-400:]


def test_every_role_that_a_file_names_is_there() -> None:
    for where, words in commands().items():
        if "--only" in words:
            assert words[words.index("--only") + 1] in CHOICES, where
        else:
            assert words == ["migrate"], where
    assert unit_command("publish")[-1] in CHOICES


@pytest.mark.parametrize(
    "path", [DEPLOY / "laurels.toml", KUBERNETES / "laurels.toml"], ids=lambda path: path.parent.name
)
def test_the_settings_files_are_read(path: Path) -> None:
    settings = load(None, {}, path)
    assert settings.leaderboard.engine == "valkey"
    assert settings.auth.issuer


def test_every_variable_is_a_setting() -> None:
    known = {row.environment for row in table()}
    texts = [path.read_text("utf-8") for path in DEPLOY.rglob("*") if path.is_file()]
    named = {name for text in texts for name in re.findall(r"\bLAURELS_[A-Z_]+\b", text)}
    assert named - known == {"LAURELS_CONFIG"}


def test_compose_runs_each_role_apart() -> None:
    services = compose()["services"]
    assert {*STAYING, "postgres", "valkey", "migrate"} <= set(services)
    for name in STAYING:
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
        assert services[name]["read_only"]
    assert "/readyz" in services["http"]["healthcheck"]["test"][-1]


def test_the_dashboard_is_whole() -> None:
    dashboard = json.loads((DEPLOY / "grafana/laurels.json").read_text("utf-8"))
    panels = dashboard["panels"]
    assert len({one["id"] for one in panels}) == len(panels) > 10
    places = [(one["gridPos"]["x"], one["gridPos"]["y"]) for one in panels]
    assert len(set(places)) == len(places), "one lies on another"
    for one in panels:
        assert one["datasource"]["uid"] == f"${{{dashboard['templating']['list'][0]['name']}}}"
        assert all(target["expr"] and target["legendFormat"] for target in one["targets"]), one["title"]
