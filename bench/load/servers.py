"""The servers that are compared, each in a process of its own: `python servers.py WHAT --state DIR`.

`laurels` is `laurels serve --only http` (with `--award`, awarding in the same process); `no-ledger` the same with an
intake that answers at once and keeps nothing; `bare` no Laurels at all, but as many bytes and headers from the same
HTTP server. Each says on its first line which port it has, and ends when its standard input does.
"""

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn

from laurels.http import serve
from laurels.intake import Intake
from laurels.ledger import Receipt
from laurels.model import Document, Status
from laurels.runtime.process import run
from laurels.settings import HttpSettings, LeaderboardSettings, LedgerSettings, Settings
from laurels.wiring import build
from laurels.workers import award_forever, project_forever


class NoLedger:
    """An inbox that answers at once, as the first time; nothing is kept."""

    async def accept(self, documents: Sequence[Document]) -> list[Receipt]:
        """Answer."""
        return [Receipt(Status.ACCEPTED) for _ in documents]


class Bare:
    """As many bytes and headers for whatever is asked, and nothing else."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self._start = {"type": "http.response.start", "status": status, "headers": headers}
        self._body = {"type": "http.response.body", "body": body, "more_body": False}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002 - ASGI's arguments
        """Answer one request."""
        await send(self._start)
        await send(self._body)


class QuietServer(uvicorn.Server):
    """One that leaves signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def laurels(settings: Settings, *, award: bool, ledger: bool) -> None:
    """Serve Laurels."""
    stop = await until_input_ends()
    async with build(settings) as built, asyncio.TaskGroup() as tasks:
        serving = built if ledger else replace(built, intake=Intake(NoLedger()))  # type: ignore[arg-type]
        tasks.create_task(project_forever(built.projector, stop))
        if award:
            tasks.create_task(award_forever(built.ledger, built.awarder, stop))
        tasks.create_task(serve(serving, stop, lambda port: print(port, flush=True)))


async def bare(answer: dict[str, Any]) -> None:
    """Serve the same answer always, by the same server with the same options."""
    stop = await until_input_ends()
    headers = [(name.encode(), value.encode()) for name, value in answer["headers"]]
    app = Bare(answer["status"], headers, answer["body"].encode())
    config = uvicorn.Config(
        app, port=0, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False, server_header=False
    )
    server = QuietServer(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await stop.wait()
    server.should_exit = True
    await serving


async def until_input_ends() -> asyncio.Event:
    """An event that is set when the parent goes, or closes our standard input."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.run_in_executor(None, sys.stdin.read).add_done_callback(lambda _: stop.set())
    return stop


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["laurels", "no-ledger", "bare"])
    parser.add_argument("--state", type=Path)
    parser.add_argument("--award", action="store_true")
    parser.add_argument("--engine")
    parser.add_argument("--ledger", default="sqlite", help="the ledger's URL")
    parser.add_argument("--edge", choices=["auto", "off"], default="auto")
    parser.add_argument("--answer", type=json.loads, help="for `bare`: status, headers and body as JSON")
    arguments = parser.parse_args()
    if arguments.what == "bare":
        run(bare(arguments.answer))
    else:
        settings = Settings(
            state=arguments.state,
            ledger=LedgerSettings(url=arguments.ledger),
            leaderboard=LeaderboardSettings(engine=arguments.engine),
            http=HttpSettings(port=0, rate_limit_per_minute=60_000, edge=arguments.edge),
        )
        run(laurels(settings, award=arguments.award, ledger=arguments.what == "laurels"))


if __name__ == "__main__":
    main()
