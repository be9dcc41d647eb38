"""A whole system with its HTTP server on a free loopback port, and a client, in the test's own event loop."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tests.instants import check_instants
from tests.settings import settings_with

from laurels import clock
from laurels.clock import Clock
from laurels.http import serve
from laurels.http.admission.person_tokens import PersonTokens, console_key
from laurels.http.admission.tokens import sign_token
from laurels.http.routes import Route
from laurels.wiring import Services, build

ALL_SCOPES = (
    "orders:write members:read members:write members:contact points:adjust points:redeem points:transfer events:read "
    "audit:read quarantine:write status:read program:write program:approve reports:read jobs:write points:approve"
)


@dataclass(frozen=True)
class Shop:
    """The system, and a client that speaks to it over a real socket."""

    services: Services
    port: int
    client: httpx.AsyncClient

    async def ask(
        self,
        method: str,
        path: str,
        *,
        member: str | None = None,
        scope: str | None = ALL_SCOPES,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """One request: as a member, as a service with these scopes, with this token, or (`scope` None) with none."""
        sent = dict(headers or {})
        if token is None and (member is not None or scope is not None):
            token = self.token(member=member, scope=scope)
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        answer = await self.client.request(method, path, headers=sent, **more)
        if answer.headers.get("Content-Type", "").endswith("json"):
            check_instants(answer.text)
        return answer

    def token(self, *, member: str | None = None, scope: str | None = ALL_SCOPES) -> str:
        """A member's token, or a service's."""
        subject, scope = (member, None) if member is not None else ("till", scope)
        return sign_token(self.services.settings, subject=subject, scope=scope, ttl_s=600)

    def person(self, *roles: str, sub: str = "niamh", name: str = "Niamh Byrne") -> str:
        """A token that a console has signed for a person with these roles."""
        return PersonTokens(console_key(self.services.settings), self.services.now).sign(sub, name, roles)

    async def settle(self) -> None:
        """Award all that was accepted, and bring the board up to date."""
        await self.services.awarder.drain()
        await self.services.projector.catch_up()

    async def order(self, order_id: str, member: str, total: str, **more: Any) -> httpx.Response:
        """Place an order as the till does."""
        body = {"member_id": member, "currency": "GBP", "total": total, **more}
        return await self.ask("POST", f"/order/{order_id}", json=body)

    async def balance(self, member: str) -> int:
        """What a member's points add up to."""
        points: int = (await self.ask("GET", f"/loyalty/{member}/balance")).json()["balance"]
        return points


@asynccontextmanager
async def open_shop(
    state: Path, *, projected: bool = True, now: Clock = clock.now, **settings: Any
) -> AsyncIterator[Shop]:
    """Build the services over SQLite files in `state`, serve it, and close everything at the end. Its loops do not run:
    `settle` does their work when a test wants it done.
    """
    stop = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with (
        build(settings_with(state=state, http_port=0, **settings), now=now) as services,
        asyncio.TaskGroup() as tasks,
    ):
        if projected:
            await services.projector.catch_up()
        tasks.create_task(serve(services, stop, port.set_result))
        base = f"http://127.0.0.1:{await port}"
        try:
            async with httpx.AsyncClient(base_url=base, timeout=60) as client:
                yield Shop(services, port.result(), client)
        finally:
            stop.set()


def path_of(route: Route, **named: str) -> str:
    """A route's path, with these parts in it and something fitting for each other one."""
    fitting = {
        "order_id": "A1",
        "board": "all-time",
        "number": "0",
        "kind": "order",
        "source": "shop",
        "name": "conflict",
    }
    return route.path.format_map(defaultdict(lambda: "1", fitting | named))


def check_problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem document of an answer, after looking at all that every one has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["type"] == f"/problems/{slug}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"].startswith("/")
    return problem


def fields_at_fault(answer: httpx.Response) -> list[str]:
    """The fields that a 422 names."""
    return [error["field"] for error in check_problem(answer, 422, "invalid-input")["errors"]]
