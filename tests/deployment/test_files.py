"""The files under deploy/ fit the schemas of what reads them, and run the roles that there are."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.deployment.deployed import (
    BIN,
    CONSOLE_UNIT,
    DEPLOY,
    REPOSITORY,
    UNIT,
    commands,
    compose,
    documents,
    manifests,
    pods,
    tool,
    unit_command,
)

from laurels.console.app import ALIVE
from laurels.errors import SettingsError
from laurels.runtime.console import oidc_client
from laurels.runtime.roles import BACKGROUND, CHOICES, ROLES
from laurels.settings import load, table

KUBERNETES = DEPLOY / "kubernetes"
NO_SUCH_RULE = 77
FORBID = f"import ctypes, os; ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) and os._exit({NO_SUCH_RULE}); "
"""Puts a process under `PR_SET_MDWE`: no page of its memory is ever both written and run."""
STAYING = ("http", "work", "project", "notify", "console")
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
    for name in ("names.key", "console.key", "console.secret"):
        (folder / name).write_text("ab" * 32, "ascii")
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


def test_no_pod_is_told_of_services_by_variables() -> None:
    """A service `laurels` would give each pod LAURELS_PORT, and `laurels-console` LAURELS_CONSOLE_PORT: the one is no
    setting, the other a wrong one, and both are refused.
    """
    for name, pod in pods().items():
        assert pod["enableServiceLinks"] is False, name
    with pytest.raises(SettingsError):
        load(None, {"LAURELS_PORT": "tcp://10.0.0.1:80"}, KUBERNETES / "laurels.toml")


def test_what_is_secret_is_not_committed() -> None:
    """Neither is what the commands of these files make there."""
    texts = [(DEPLOY / "compose.yaml").read_text("utf-8"), (KUBERNETES / "kustomization.yaml").read_text("utf-8")]
    (settings,) = documents(KUBERNETES / "kustomization.yaml")
    made = [
        f"kubernetes/{name}"
        for one in settings["secretGenerator"]
        for key in ("files", "envs")
        for name in one.get(key, [])
    ]
    made += [one["file"] for one in compose()["secrets"].values()] + [".env"]
    assert len(made) == 8
    assert all(Path(name).name in "".join(texts) for name in made)
    done = subprocess.run(["git", "check-ignore", *made], cwd=DEPLOY, capture_output=True, text=True, check=False)
    if done.returncode == 128:
        pytest.skip("no repository of git: nothing can be committed from here")
    assert done.stdout.split() == made


def test_every_deployment_survives_a_node_being_emptied() -> None:
    deployed = {one["metadata"]["name"]: one["spec"] for one in manifests() if one["kind"] == "Deployment"}
    budgets = {one["metadata"]["name"]: one["spec"] for one in manifests() if one["kind"] == "PodDisruptionBudget"}
    assert set(deployed) == set(budgets) == {f"laurels-{name}" for name in STAYING}
    for name, spec in deployed.items():
        assert spec["selector"] == budgets[name]["selector"], name
        assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"], name
        assert spec["replicas"] > budgets[name]["maxUnavailable"], name


def test_pods_are_asked_whether_they_live_and_whether_they_serve() -> None:
    (http,) = pods()["laurels-http"]["containers"]
    assert http["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert http["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}, "a late board is no reason"
    (console,) = pods()["laurels-console"]["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert console[probe]["httpGet"] == {"path": ALIVE, "port": "console"}


def test_services_lead_to_what_pods_listen_at() -> None:
    ports = {name: {one["name"] for one in pod["containers"][0].get("ports", ())} for name, pod in pods().items()}
    services = {one["metadata"]["name"]: one["spec"] for one in manifests() if one["kind"] == "Service"}
    figures = services.pop("laurels-metrics")
    assert {one["targetPort"] for one in figures["ports"]} == {"metrics"}
    for service in services.values():
        (found,) = [names for name, names in ports.items() if service["selector"].items() <= _labels(name).items()]
        assert {one["targetPort"] for one in service["ports"]} == found - {"metrics"}


def _labels(deployed: str) -> dict[str, str]:
    (labels,) = [one["metadata"]["labels"] for one in manifests() if _is_workload(one, deployed)]
    return dict(labels)


def _is_workload(manifest: dict[str, Any], name: str) -> bool:
    return manifest["kind"] in {"Deployment", "Job"} and manifest["metadata"]["name"] == name


def test_the_figures_of_each_role_are_scraped() -> None:
    """A role that nobody asks counts its failures for nobody."""
    told = set(STAYING)
    pods_say = load(None, {}, KUBERNETES / "laurels.toml")
    assert pods_say.console.metrics_port == pods_say.http.metrics_port
    services = {one["metadata"]["name"]: one["spec"] for one in manifests() if one["kind"] == "Service"}
    for name in told:
        assert services["laurels-metrics"]["selector"].items() <= _labels(f"laurels-{name}").items()
        (container,) = pods()[f"laurels-{name}"]["containers"]
        assert {"name": "metrics", "containerPort": pods_say.http.metrics_port} in container["ports"]
    (job,) = documents(DEPLOY / "prometheus/prometheus.yml")[0]["scrape_configs"]
    asked = {target for one in job["static_configs"] for target in one["targets"]}
    asked |= {f"{name}:{one['port']}" for one in job["dns_sd_configs"] for name in one["names"]}
    environment = compose()["x-laurels"]["environment"]
    assert asked == {f"{name}:{environment['LAURELS_HTTP_METRICS_PORT']}" for name in told}
    own = compose()["services"]["console"]["environment"]["LAURELS_CONSOLE_METRICS_PORT"]
    assert own == environment["LAURELS_HTTP_METRICS_PORT"]
    assert environment["LAURELS_HTTP_HOST"] == "0.0.0.0"


def test_each_unit_on_a_host_tells_its_figures_at_a_port_of_its_own() -> None:
    settings = DEPLOY / "laurels.toml"
    ports = [load(None, {}, settings).http.metrics_port]
    for process in dict.fromkeys(role.process for role in BACKGROUND):
        said = (DEPLOY / f"systemd/laurels@{process}.service.d/metrics.conf").read_text("utf-8")
        environment = dict(re.findall(r"^Environment=(\w+)=(\d+)$", said, re.MULTILINE))
        ports.append(load(None, environment, settings).http.metrics_port)
        assert f"| `{process}` | {ports[-1]} |" in (REPOSITORY / "docs/how-to/deploy.md").read_text("utf-8")
    said = (DEPLOY / "systemd/laurels@console.service.d/console.conf").read_text("utf-8")
    environment = dict(re.findall(r"^Environment=(\w+)=(\d+)$", said, re.MULTILINE))
    ports.append(load(None, environment, settings).console.metrics_port)
    assert f"| `console` | {ports[-1]} |" in (REPOSITORY / "docs/how-to/deploy.md").read_text("utf-8")
    assert len(set(ports)) == len(ports)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze: install systemd")
def test_the_units_are_what_systemd_takes_and_confined(tmp_path: Path) -> None:
    """With the program of this environment in its place, and one instance for each process of the table of roles."""
    shutil.copytree(DEPLOY / "systemd", tmp_path, dirs_exist_ok=True)
    for file in (*tmp_path.glob("*.service"), *tmp_path.glob("*.d/*")):
        file.write_text(file.read_text("utf-8").replace("/opt/laurels/bin/laurels", str(BIN / "laurels")), "utf-8")
    unit = (tmp_path / UNIT.name).read_text("utf-8")
    for process in dict.fromkeys(role.process for role in ROLES):
        instance = tmp_path / f"laurels@{process}.service"
        instance.write_text(unit, "utf-8")
        done = tool("systemd-analyze", "verify", "--man=no", instance, tmp_path / "laurels.target")
        assert (done.returncode, done.stderr) == (0, "")
        done = tool("systemd-analyze", "security", "--offline=yes", f"--threshold={SECURE_ENOUGH}", instance)
        assert done.returncode == 0, done.stdout[-400:]


def test_a_command_at_the_terminal_runs_as_the_roles_do() -> None:
    """As their user, with their settings, over their state."""
    shell, unit = (DEPLOY / "systemd/laurels").read_text("utf-8"), UNIT.read_text("utf-8")
    words = shlex.split(shell.replace("\\\n", " "), comments=True)
    assert words[:2] == ["exec", "systemd-run"]
    assert words[-2:] == ["/opt/laurels/bin/laurels", "$@"]
    said = {word.removeprefix("--property=").removeprefix("--setenv=").removeprefix("--") for word in words}
    lines = set(unit.splitlines())
    for name in ("EnvironmentFile", "UMask", "StateDirectory", "StateDirectoryMode"):
        (line,) = [each for each in lines if each.startswith(f"{name}=")]
        assert line in said
    assert {f"uid={line.removeprefix('User=')}" for line in lines if line.startswith("User=")} < said
    (line,) = [each for each in lines if each.startswith("Environment=LAURELS_")]
    assert set(line.removeprefix("Environment=").split()) < said
    assert os.access(DEPLOY / "systemd/laurels", os.X_OK)


def test_every_role_that_a_file_names_is_there() -> None:
    for where, words in commands().items():
        if "--only" in words:
            assert words[words.index("--only") + 1] in CHOICES, where
        else:
            assert words[0] == ("console" if "console" in where else "migrate"), where
    for role in ROLES:
        command = unit_command(role.process)
        assert command == ["console"] if role.process == "console" else command[-1] in CHOICES


def test_the_console_can_be_opened_by_those_whom_a_provider_knows(tmp_path: Path) -> None:
    """What the files say is enough for it: an address from a terminal signs nobody in on a host without one."""
    for path in (DEPLOY / "laurels.toml", KUBERNETES / "laurels.toml"):
        secret = tmp_path / "secret"
        secret.touch(0o600)
        secret.write_text("s3cret", "utf-8")
        settings = load(None, {"LAURELS_CONSOLE_CLIENT_SECRET_FILE": str(secret)}, path)
        client = oidc_client(settings)
        assert client is not None
        assert client.secret == "s3cret"
        assert [role for role, _, _ in client.roles] == ["support", "lead", "auditor"]
        assert settings.console.key_file is not None
        assert settings.names.key_file is not None
        assert settings.console.key_file.parent == settings.names.key_file.parent
    asked = compose()["services"]["console"]["environment"]
    assert {"LAURELS_CONSOLE_ISSUER", "LAURELS_CONSOLE_KEY_FILE", "LAURELS_LEDGER_URL"} <= set(asked)


@pytest.mark.skipif(sys.platform != "linux", reason="a rule of Linux")
def test_what_draws_charts_has_to_compile() -> None:
    """As the unit has it for the other roles nothing may write what it runs, and the library dies of that. Where it no
    longer does, the console's unit need not lift the rule.
    """
    draw = 'import vl_convert; vl_convert.vegalite_to_svg({"mark": "bar", "data": {"values": [{"a": 1}]}})'
    assert tool(sys.executable, "-c", draw).returncode == 0
    forbidden = tool(sys.executable, "-c", FORBID + draw)
    if forbidden.returncode == NO_SUCH_RULE:
        pytest.skip("this kernel is older than the rule")
    assert forbidden.returncode < 0, "it draws"
    assert "\nMemoryDenyWriteExecute=yes\n" in UNIT.read_text("utf-8")
    assert "\nMemoryDenyWriteExecute=no\n" in CONSOLE_UNIT.read_text("utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="a rule of Linux")
def test_files_are_read_and_written_under_the_unit() -> None:
    """What reads files would die of the same rule: the unit has it look at no processor."""
    without = {name: value for name, value in os.environ.items() if name != "POLARS_SKIP_CPU_CHECK"}
    said = dict(re.findall(r"^Environment=(\w+)=(\w+)$", UNIT.read_text("utf-8"), re.MULTILINE))
    use = FORBID + "import polars; polars.DataFrame({'points': [7]}).write_parquet(__import__('io').BytesIO())"
    done = {
        name: subprocess.run([sys.executable, "-c", use], env=env, capture_output=True, check=False).returncode
        for name, env in (("without", without), ("as said", without | said))
    }
    if NO_SUCH_RULE in done.values():
        pytest.skip("this kernel is older than the rule")
    assert done["without"] != 0, "the unit need not say it any more"
    assert done["as said"] == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
def test_boards_in_files_learn_under_the_unit_whether_the_machine_went_down() -> None:
    """The name of the boot lies where `ProcSubset=pid` hides it; without it no other process takes the files."""
    look = "mount -t proc -o subset=pid proc /proc && cat /proc/sys/kernel/random/boot_id"
    hidden = subprocess.run(["unshare", "--mount", "sh", "-c", look], capture_output=True, text=True, check=False)
    assert "No such file" in hidden.stderr, hidden.stderr
    assert "\nProcSubset=" not in UNIT.read_text("utf-8")


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
