"""A console tells Prometheus of its pages at a port of its own: how many, how long they took, whom it let not in."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.ending import end
from tests.integration.test_http_metrics import Figures, parse
from tests.integration.test_metrics_apart import scraped, told_port
from tests.ports import free_port

from laurels import __version__
from laurels.engines.sqlite import SqliteLedger

NAME = "Niamh"


@contextmanager
def console(state: Path, *more: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "laurels", "console", "--state", str(state), "--port", "0", "--as", NAME, *more]
    with subprocess.Popen(
        [*command, "--roles", "support"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        try:
            yield process
        finally:
            end(process)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    SqliteLedger.open(tmp_path / "state" / "laurels.db")
    return tmp_path / "state"


def count(told: Figures, method: str, route: str, status: str) -> float:
    return told.get(("laurels_console_requests_total", (("method", method), ("route", route), ("status", status))), 0)


def sign_in(address: str, browser: httpx.Client) -> int:
    page = browser.get(address)
    found = re.search(r'name="_csrf_token" value="([^"]*)"', page.text)
    code = address.partition("code=")[2]
    form = {"code": code, "_csrf_token": found[1] if found else ""}
    return browser.post(address.partition("?")[0], data=form).status_code


def test_pages_and_refused_sign_ins_are_told_without_names(state: Path) -> None:
    with console(state, LAURELS_CONSOLE_METRICS_PORT="0") as process, httpx.Client(timeout=60) as browser:
        port = told_port(process)
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        base = address.partition("/sign-in")[0]
        assert sign_in(address, browser) == 303
        assert "used" in browser.get(address).text
        assert browser.get(f"{base}/customers").status_code == 200
        assert browser.get(f"{base}/customers/4711").status_code == 404
        assert browser.get(f"{base}/{NAME}").status_code == 404
        assert browser.get(f"{base}/metrics").status_code == 404
        told, text = scraped(port), httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text
        assert httpx.get(f"http://127.0.0.1:{port}/customers", timeout=60).status_code == 404
    assert count(told, "GET", "/customers", "200") == 1
    assert count(told, "GET", "/customers/{number}", "404") == 1
    assert count(told, "GET", "other", "404") == 2
    assert told["laurels_console_seconds_count", (("method", "GET"), ("route", "/customers"))] == 1
    assert told["laurels_sign_ins_refused_total", (("reason", "address"),)] == 1
    assert [dict(labels)["version"] for name, labels in told if name == "laurels_build_info"] == [__version__]
    assert "4711" not in text
    assert NAME.casefold() not in text.casefold()


def test_one_that_asks_another_machine_tells_its_own(state: Path) -> None:
    with console(state, "--api", f"http://127.0.0.1:{free_port()}", LAURELS_CONSOLE_METRICS_PORT="0") as process:
        told = parse(httpx.get(f"http://127.0.0.1:{told_port(process)}/metrics", timeout=60).text)
    assert [dict(labels)["ledger"] for name, labels in told if name == "laurels_build_info"] == ["elsewhere"]


def test_a_port_that_is_taken_is_told_in_a_line(state: Path) -> None:
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", port)),
        console(state, LAURELS_CONSOLE_METRICS_PORT=str(port)) as process,
    ):
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "console.metrics_port" in said.splitlines()[-1]
