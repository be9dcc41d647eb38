"""What the files under deploy/ say, read as the tools that run them would read it."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

REPOSITORY = Path(__file__).parent.parent.parent
DEPLOY = REPOSITORY / "deploy"
BIN = Path(sys.executable).parent
UNIT = DEPLOY / "systemd/laurels@.service"
CONSOLE_UNIT = DEPLOY / "systemd/laurels@console.service.d/console.conf"
"""What of the unit is otherwise for the console."""


def tool(name: str, *arguments: str | Path, cwd: Path = DEPLOY) -> "subprocess.CompletedProcess[str]":
    """Run a program of the environment, or of the machine; at most two minutes."""
    path = BIN / name
    command = [str(path) if path.exists() else name, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def documents(path: Path) -> list[dict[str, Any]]:
    """The documents of a file of YAML."""
    return [one for one in yaml.safe_load_all(path.read_text("utf-8")) if one is not None]


def compose() -> dict[str, Any]:
    """The compose file."""
    (one,) = documents(DEPLOY / "compose.yaml")
    return one


def manifests() -> list[dict[str, Any]]:
    """All that the kustomization names."""
    folder = DEPLOY / "kubernetes"
    (kustomization,) = documents(folder / "kustomization.yaml")
    return [one for name in kustomization["resources"] for one in documents(folder / name)]


def pods() -> dict[str, dict[str, Any]]:
    """The pod of each workload, by the workload's name."""
    workloads = [one for one in manifests() if one["kind"] in {"Deployment", "Job"}]
    return {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in workloads}


def unit_command(role: str) -> list[str]:
    """The words behind `laurels` that systemd runs for an instance of the unit."""
    said = UNIT.read_text("utf-8") + (CONSOLE_UNIT.read_text("utf-8") if role == "console" else "")
    line = [one for one in said.splitlines() if one.startswith("ExecStart=")][-1]
    program, *words = shlex.split(line.removeprefix("ExecStart=").replace("%i", role))
    assert program == "/opt/laurels/bin/laurels"
    return words


def commands() -> dict[str, list[str]]:
    """The words behind `laurels` of every file, by where they stand."""
    found = {f"compose {name}": one["command"] for name, one in compose()["services"].items() if _is_ours(one)}
    for name, pod in pods().items():
        (container,) = pod["containers"]
        found[f"kubernetes {name}"] = container["args"]
    for role in ("http", "work", "project", "notify", "console"):
        found[f"systemd {role}"] = unit_command(role)
    return found


def _is_ours(service: dict[str, Any]) -> bool:
    return str(service["image"]).startswith("laurels:")
