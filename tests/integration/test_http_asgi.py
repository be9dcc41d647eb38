"""The ASGI entry under another server: the services run while the server runs, and not before or after."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from tests.integration.http_shop import check_problem

from laurels.asgi import LifespanApplication
from laurels.http.admission.tokens import sign_token
from laurels.settings import Settings

pytestmark = pytest.mark.anyio

HERE = "127.0.0.1"


class QuietServer(uvicorn.Server):
    """One that leaves the signals to pytest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def served(app: LifespanApplication, host: str = HERE) -> AsyncIterator[httpx.AsyncClient]:
    with socket.create_server((host, 0)) as listener:
        server = QuietServer(uvicorn.Config(app, lifespan="on", log_config=None))
        running = asyncio.create_task(server.serve([listener]))
        async with httpx.AsyncClient(base_url=f"http://{host}:{listener.getsockname()[1]}", timeout=60) as client:
            yield client
        server.should_exit = True
        await running


async def test_the_services_run_while_the_server_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAURELS_STATE", str(tmp_path))
    app = LifespanApplication()
    settings = Settings(state=tmp_path)
    till = {"Authorization": "Bearer " + sign_token(settings, subject="till", scope="orders:write", ttl_s=60)}
    ann = {"Authorization": "Bearer " + sign_token(settings, subject="17850", scope=None, ttl_s=60)}
    async with served(app) as client:
        order = {"member_id": "17850", "currency": "GBP", "total": "25.00"}
        assert (await client.post("/order/A1", json=order, headers=till)).status_code == 202
        while (await client.get("/order/A1", headers=till)).json()["status"] == "accepted":
            continue
        as_of = (await client.get("/order/A1", headers=till)).json()["as_of"]
        shown = await client.get("/loyalty/17850", params={"min_version": as_of}, headers=ann)
        assert shown.json()["me"]["points"] == 3
    with pytest.raises(RuntimeError, match="has to run lifespans"):
        await app({"type": "http"}, _receive_nothing, _send_nothing)


async def test_settings_that_are_not_valid_stop_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAURELS_STATE", str(tmp_path))
    monkeypatch.setenv("LAURELS_LEDGER_URL", "oracle")
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await LifespanApplication()({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    assert "ledger.url is oracle" in sent[0]["message"]


async def test_development_tokens_stay_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = own_address()
    monkeypatch.setenv("LAURELS_STATE", str(tmp_path))
    async with served(LifespanApplication(), host) as client:
        problem = check_problem(await client.get("/healthz"), 403, "not-allowed")
    assert "127.0.0.1" in problem["detail"]


def own_address() -> str:
    """An address of this machine that is not a loopback one. Asking for the way out sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no network: give it an address besides 127.0.0.1")
        return str(probe.getsockname()[0])


async def _receive_nothing() -> MutableMapping[str, Any]:
    raise AssertionError


async def _send_nothing(message: MutableMapping[str, Any]) -> None:
    raise AssertionError(message)
