"""What the console takes from a machine, as a process of its own; and that a process that serves takes none of it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tests.ending import end

CONSOLE_ALONE = ("litestar", "oauthlib", "vl_convert")
MOST_MB = 250
LOADED = "import json, sys, laurels.runtime.serving, laurels.http, laurels.cli.app; print(json.dumps([*sys.modules]))"


def test_a_process_that_serves_loads_nothing_of_the_console() -> None:
    ended = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(ended.stdout)}
    assert "laurels" in loaded
    assert loaded.isdisjoint(CONSOLE_ALONE)


@pytest.mark.long
def test_with_every_chart_drawn_it_takes_less_than_a_quarter_of_a_gigabyte(tmp_path: Path) -> None:
    state = tmp_path / "state"
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-m", "tests.console.fill_year", str(state)], cwd=root, check=True, timeout=300)
    command = [sys.executable, "-m", "laurels", "console", "--state", str(state), "--port", "0", "--as", "Niamh"]
    rules = {**os.environ, "LAURELS_PROGRAM_FILE": str(tmp_path / "rules.toml")}
    console = subprocess.Popen([*command, "--roles", "lead finance"], stdout=subprocess.PIPE, text=True, env=rules)
    try:
        assert console.stdout is not None
        base, _, code = console.stdout.readline().strip().partition("/sign-in?code=")
        with httpx.Client(base_url=base, timeout=60) as client:
            page = client.get(f"/sign-in?code={code}")
            [token] = re.findall(r'name="_csrf_token" value="([^"]+)"', page.text)
            assert client.post("/sign-in", data={"code": code, "_csrf_token": token}).status_code == 303
            drawn = set()
            for period in ("3m", "12m", "36m"):
                for basis in ("recorded", "occurred"):
                    text = client.get(f"/overview?period={period}&basis={basis}").text
                    drawn |= set(re.findall(r'<svg xmlns[^>]*class="marks".*?</svg>', text, re.DOTALL))
            assert len(drawn) > 2, "charts, and not the same one each time"
        its_own = [int(pid) for pid in Path(f"/proc/{console.pid}/task/{console.pid}/children").read_text().split()]
        assert len(its_own) == 1, "the process that draws"
        assert sum(most_mb(pid) for pid in (console.pid, *its_own)) < MOST_MB, "at their most"
    finally:
        end(console)


def most_mb(pid: int) -> float:
    """The most memory that a process has taken so far."""
    [kilobytes] = re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(kilobytes) / 1024
