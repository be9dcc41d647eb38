"""Alerts and dashboard beside a Laurels that runs: each figure named is told, and Prometheus takes each query."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.acceptance.command_line import served
from tests.deployment.deployed import BIN, DEPLOY, documents, tool
from tests.ending import end
from tests.ports import free_port

RULES = DEPLOY / "prometheus/laurels.rules.yml"
PATIENCE_S = 60.0
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count"), "unknown": ()}
"""What figures of each kind are called, behind the name of the family: of one that has none yet too."""
NONE = "no promtool in the environment: make test takes it from Debian's package `prometheus`"


def _rules() -> list[dict[str, Any]]:
    return [rule for group in documents(RULES)[0]["groups"] for rule in group["rules"]]


def _queries() -> list[str]:
    dashboard = json.loads((DEPLOY / "grafana/laurels.json").read_text("utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return [query.replace("$__rate_interval", "1m") for query in asked]


def _named(queries: list[str]) -> dict[str, set[str]]:
    """The labels that are asked of each figure, by its name."""
    found: dict[str, set[str]] = {}
    for query in queries:
        by = {label for labels in re.findall(r"by \(([^)]*)\)", query) for label in re.split(r",\s*", labels)}
        for name, braces in re.findall(r"\b(laurels_\w+)(\{[^}]*\})?", query):
            found.setdefault(name, set()).update(by - {"le"}, re.findall(r"(\w+)[=!]", braces))
    return found


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One process that answers HTTP, and a board that it keeps itself: all figures are told, those at 0 too."""
    folder = tmp_path_factory.mktemp("watched")
    config = folder / "laurels.toml"
    config.write_text('leaderboard.engine = "memory"\n', "utf-8")
    with served(folder / "state", "--only", "http", "--config", str(config)) as address:
        yield address


def test_each_figure_that_is_named_is_told(address: str) -> None:
    httpx.get(f"{address}/loyalty/nobody", timeout=60)  # refused, and counted
    told: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(httpx.get(f"{address}/metrics", timeout=60).text):
        for suffix in SUFFIXES[family.type]:
            told[f"{family.name}{suffix}"] = set()
        for sample in family.samples:
            told.setdefault(sample.name, set()).update(sample.labels)
    named = _named(_queries() + [rule["expr"] for rule in _rules()])
    assert len(named) > 15
    for name, labels in named.items():
        assert name in told, f"nobody tells {name}"
        if told[name]:  # a counter that never counted has no labels yet
            assert labels <= told[name] | {"instance", "job"}, name


@pytest.mark.skipif(not (BIN / "promtool").exists(), reason=NONE)
def test_the_alerts_are_raised_by_what_they_are_for() -> None:
    for arguments in (
        ["check", "rules", RULES.name],
        ["check", "config", "prometheus.yml"],
        ["test", "rules", "laurels.rules.test.yml"],
    ):
        done = tool("promtool", *arguments, cwd=RULES.parent)
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def _prometheus(folder: Path, target: str) -> Iterator[str]:
    """A Prometheus with the file and the rules of the compose file, which scrapes a Laurels every second."""
    (config,) = documents(RULES.parent / "prometheus.yml")
    config["global"] = dict.fromkeys(config["global"], "1s")
    (job,) = config["scrape_configs"]
    del job["dns_sd_configs"]  # no container has a name here
    job["static_configs"] = [{"targets": [target]}]
    (folder / "prometheus.yml").write_text(json.dumps(config), "utf-8")
    (folder / RULES.name).write_text(RULES.read_text("utf-8"), "utf-8")
    port = free_port()
    command = [BIN / "prometheus", "--config.file=prometheus.yml", f"--web.listen-address=127.0.0.1:{port}"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([*map(str, command)], cwd=folder, stdout=log, stderr=log) as server,
    ):
        try:
            yield f"http://127.0.0.1:{port}/api/v1"
        finally:
            end(server)


def _asked(api: str, path: str, **query: str) -> Any:
    try:
        answer = httpx.get(f"{api}/{path}", params=query, timeout=60).json()
    except (httpx.TransportError, json.JSONDecodeError):  # it is starting
        return None
    assert answer["status"] == "success", answer
    return answer["data"]


@pytest.mark.long
@pytest.mark.skipif(not (BIN / "prometheus").exists(), reason=NONE)
def test_prometheus_scrapes_a_laurels_and_answers_every_panel(address: str, tmp_path: Path) -> None:
    with _prometheus(tmp_path, address.removeprefix("http://")) as api:
        deadline = time.monotonic() + PATIENCE_S
        while not (_asked(api, "query", query="rate(laurels_http_requests_total[1m])") or {}).get("result"):
            assert time.monotonic() < deadline, (tmp_path / "log").read_text("utf-8")
            time.sleep(0.2)
        for query in _queries():
            _asked(api, "query", query=query)
        for query in ('up{job="laurels"}', "laurels_ledger_up", "laurels_board_ready"):
            (one,) = _asked(api, "query", query=query)["result"]
            assert one["value"][1] == "1", query
        (group,) = _asked(api, "rules")["groups"]
        assert [rule["name"] for rule in group["rules"]] == [rule["alert"] for rule in _rules()]
        while any(rule["health"] != "ok" for rule in _asked(api, "rules")["groups"][0]["rules"]):
            assert time.monotonic() < deadline, _asked(api, "rules")
            time.sleep(0.2)
