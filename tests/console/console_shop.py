"""A shop with its console, in the test's own event loop, and a browser without scripts to walk through it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import httpx
from tests.integration.http_shop import Shop, open_shop

from laurels.console import OneTimeCodes, Person, Setup, client_of, create_console
from laurels.console.charts import Charts, charts
from laurels.console.transports import Transport
from laurels.http.admission.person_tokens import PersonTokens, console_key, cookie_secret

BASE = "http://127.0.0.1:8100"
_FIELD = re.compile(r"<input[^>]*>|<textarea[^>]*>[^<]*</textarea>|<option[^>]*selected[^>]*>")
_ATTRIBUTE = re.compile(r'([\w-]+)(?:="([^"]*)")?')


@dataclass
class ConsoleShop:
    """The shop, and consoles over its API for any person."""

    shop: Shop
    api: Transport
    tokens: PersonTokens
    secret: bytes
    charts: Charts = field(default_factory=Charts)
    codes: list[str] = field(default_factory=list)

    def visitor(self, *roles: str, name: str = "niamh", secret: bytes | None = None) -> "Visitor":
        """Somebody at a console process of its own, whom its terminal would sign in; nobody yet."""
        codes = OneTimeCodes(Person(name, name, roles), self.codes.append)
        app = create_console(
            Setup(
                http=self.api,
                sign=lambda who: self.tokens.sign(who.sub, who.name, who.roles),
                codes=codes,
                secret=secret or self.secret,
                cookie="laurels-console-8100",
                charts=self.charts,
                now=self.shop.services.now,
            )
        )
        transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]  # one and the same
        return Visitor(httpx.AsyncClient(transport=transport, base_url=BASE), self.codes[-1])

    async def signed_in(self, *roles: str, name: str = "niamh") -> "Visitor":
        """The same, signed in."""
        visitor = self.visitor(*roles, name=name)
        await visitor.open(f"/sign-in?code={visitor.code}")
        page = await visitor.send("/sign-in", {"code": visitor.code})
        assert page.status_code == 303, page.text
        return visitor


@dataclass
class Visitor:
    """A browser without scripts: it follows nothing by itself, and sends the forms that pages show."""

    client: httpx.AsyncClient
    code: str
    page: httpx.Response | None = None

    async def open(self, path: str, **headers: str) -> httpx.Response:
        """Open a page."""
        self.page = await self.client.get(path, headers=headers)
        return self.page

    async def send(self, path: str, more: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        """Send the form of the page that goes to this path, its fields as they are but for those given."""
        answer = await self.client.post(path, data={**self.fields(path), **(more or {})}, headers=headers)
        self.page = answer
        return answer

    async def find(self, sought: str) -> httpx.Response:
        """Look for a customer, as far as what was found, or the way to the one that was."""
        await self.open("/customers")
        await self.send("/customers", {"q": sought})
        return await self.follow()

    async def follow(self) -> httpx.Response:
        """Go where the last answer leads."""
        assert self.page is not None
        return await self.open(self.page.headers["location"])

    def fields(self, path: str) -> dict[str, str]:
        """The fields of the form that goes to this path, or to the page itself, with their values."""
        assert self.page is not None
        forms = re.findall(r"<form([^>]*)>(.*?)</form>", self.page.text, re.DOTALL)
        wanted = [body for head, body in forms if f'action="{path}"' in head or ("action=" not in head)]
        found: dict[str, str] = {}
        for tag in _FIELD.findall(wanted[-1] if wanted else ""):
            said = {name: unescape(value) for name, value in _ATTRIBUTE.findall(tag.partition(">")[0])}
            if said.get("type") == "checkbox" and "checked" not in said:
                continue
            text = None
            if tag.startswith("<textarea"):  # browsers leave a line end at its beginning out
                text = unescape(tag.partition(">")[2].rpartition("<")[0]).removeprefix("\n")
            if "name" in said:
                found[said["name"]] = said.get("value", "") if text is None else text
        return found


@asynccontextmanager
async def open_console_shop(state: Path, **settings: Any) -> AsyncIterator[ConsoleShop]:
    """A shop with some customers: `ann` (number 0) with an order, a refund, a correction and a redemption."""
    async with open_shop(state, **settings) as shop:
        await shop.order("A1", "ann", "990.00", email="ann@example.com")
        await shop.order("A2", "bob", "400.00")
        await shop.order("USD%2F1", "bob", "25.00", currency="USD")
        await shop.settle()
        refund = {"refund_id": "R1", "member_id": "ann", "currency": "GBP", "amount": "100.00"}
        await shop.ask("POST", "/order/A1/refund", json=refund)
        await shop.ask("POST", "/loyalty/ann/redeem", json={"redemption_id": "V1", "points": 10})
        await shop.settle()
        async with open_console(shop) as console:
            yield console


@asynccontextmanager
async def open_console(shop: Shop) -> AsyncIterator[ConsoleShop]:
    """Consoles over a shop that is there."""
    key = console_key(shop.services.settings)
    async with client_of(f"http://127.0.0.1:{shop.port}") as api:
        drawn = charts()
        try:
            yield ConsoleShop(shop, api, PersonTokens(key, shop.services.now), cookie_secret(key), drawn)
        finally:
            await drawn.close()
