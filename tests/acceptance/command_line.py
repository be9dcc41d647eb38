"""Runs `laurels` as a person would: arguments in, exit code and both streams out."""

import contextlib
import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import IO
from unittest import mock

import httpx
import structlog
from tests.ending import end
from tests.instants import check_instants

from laurels.cli import main

LAURELS = Path(sys.executable).with_name("laurels")


def laurels(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end in a process of its own; at most two minutes."""
    ran = subprocess.run(
        [LAURELS, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=cwd,
        env=_environment(environment),
    )
    check_instants(ran.stdout)
    return ran


@contextlib.contextmanager
def served(state: Path, *options: str, program: Sequence[str | Path] = (LAURELS,)) -> Iterator[str]:
    """`laurels serve` over a state directory on a free port, until the end of the block; gives its address. `program`:
    the words of another `laurels` than the one installed here.
    """
    with subprocess.Popen(
        [*program, "serve", "--port", "0", "--state", str(state), *options],
        stderr=subprocess.PIPE,
        text=True,
        env=_environment({}),
    ) as server:
        assert server.stderr is not None
        try:
            address = _address(server.stderr)
            while httpx.get(f"{address}/readyz", timeout=60).status_code != HTTPStatus.OK:
                time.sleep(0.02)  # the board is being built; the test's own time limit ends this
            yield address
        finally:
            end(server)


def _address(log: IO[str]) -> str:
    for line in log:
        if found := re.search(r"answers at (http://\S+)/", line):
            return found[1]
    raise AssertionError("serve ended before it answered")


def laurels_here(
    *arguments: str | Path, cwd: Path | None = None, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """The same in this process, without the second that Python takes to start."""
    command = ["laurels", *map(str, arguments)]
    code = 0
    with (
        contextlib.chdir(cwd or Path.cwd()),
        mock.patch.dict(os.environ, _environment(environment), clear=True),
        mock.patch.object(sys, "argv", command),
        contextlib.redirect_stdout(io.StringIO()) as stdout,
        contextlib.redirect_stderr(io.StringIO()) as stderr,
    ):
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 1
        finally:
            structlog.reset_defaults()  # a command logs to where standard error was
    check_instants(stdout.getvalue())
    return subprocess.CompletedProcess(command, code, stdout.getvalue(), stderr.getvalue())


def _environment(more: dict[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LAURELS_")}
    return {**inherited, "COLUMNS": "120", **more}
