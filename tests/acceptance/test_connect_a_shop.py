"""Every command of "Connect a shop", run in order as a reader would, against the servers that the page starts."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.ending import end

PAGE = Path(__file__).parent.parent.parent / "docs/how-to/connect-a-shop.md"
ADDRESS = "http://127.0.0.1:8000"
PATIENCE_S = 60.0


class Reader:
    """Somebody with a shell and a second terminal, in which Laurels runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._variables = folder / "variables"
        self._variables.touch()
        # `laurels` and `python` of this environment, and none of the settings of whoever runs the tests.
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("LAURELS_")} | {"PATH": path}
        self._server: subprocess.Popen[str] | None = None
        self._address = ""

    def serve(self, command: str) -> None:
        """Stop what is served, and serve this; a free port takes the place of 8000."""
        self.stop()
        arguments = [sys.executable, "-m", "laurels", *command.split()[1:], "--port", "0"]
        self._server = subprocess.Popen(
            arguments, cwd=self._folder, env=self._environment, stderr=subprocess.PIPE, text=True
        )
        assert self._server.stderr is not None
        said = ""
        while not (found := re.search(r"answers at (http://\S+)/", said)):
            line = self._server.stderr.readline()
            assert line, said
            said += line
        self._address = found[1]

    def stop(self) -> None:
        if self._server is not None:
            end(self._server)

    def run(self, block: str) -> str:
        """Run a block; its variables are there for the next one."""
        script = f"set -eu; set -a; . {self._variables}; {block.replace(ADDRESS, self._address)}\n"
        script += (
            f"declare -p SHOP BACKEND CUSTOMER 2>/dev/null | sed 's/^declare -x /export /' > {self._variables} || true"
        )
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def until_settled(self) -> None:
        """Wait until all that was accepted is on the board, as a reader does between two commands."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            figures = httpx.get(f"{self._address}/metrics", timeout=60).text
            if "laurels_inbox_depth 0.0" in figures and "laurels_feed_lag_entries 0.0" in figures:
                return
            assert time.monotonic() < deadline, figures
            time.sleep(0.05)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    reader.stop()


@pytest.mark.long
def test_every_command_runs_and_says_what_the_page_says(reader: Reader) -> None:
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert {kind for kind, _ in blocks} == {"console", "sh", "json", "text", "html"}
    said = ""
    for kind, block in blocks:
        if kind == "console":
            reader.serve(block.removeprefix("$ ").strip())
        elif kind == "sh":
            said = reader.run(block)
            reader.until_settled()
        elif kind == "json":
            assert json.loads(said) == json.loads(block)
        elif kind == "text":
            assert said == block.strip()
    assert said.splitlines()[0].startswith("id: ")
    shown = json.loads(said.splitlines()[1].removeprefix("data: "))
    assert shown["me"]["points"] == 3 + 1 - 1, "both orders, less the refund"
