"""The shop that is measured: a ledger with members who have points, a token for each, and the requests."""

import asyncio
import itertools
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from load import Connection

from laurels import clock
from laurels.http.admission.tokens import sign_token
from laurels.intake.forms import OrderForm
from laurels.settings import LedgerSettings, Settings
from laurels.wiring import build, read_ledger

BATCH = 5_000
SEED = 4711
TOKEN_TTL_S = 6 * 3600


@dataclass
class PreparedShop:
    """What the benches need of the shop. `empty` is the state of another one, without members, that takes the same
    tokens.
    """

    state: Path
    empty: Path
    tokens: dict[str, str]
    till: str
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(int(clock.now())))

    def orders(self) -> Iterator[bytes]:
        """New orders of members at random, without end."""
        for number, member in zip(self._numbers, self.some_members(), strict=False):
            yield order_request(f"B{number}", member, self.till)

    def some_members(self) -> Iterator[str]:
        """Members at random, without end."""
        members, rng = list(self.tokens), Random(SEED)
        while True:
            yield rng.choice(members)

    async def all_awarded(self) -> None:
        """Wait until the inbox is empty."""
        while await self.inbox_depth():  # noqa: ASYNC110 - other processes empty it
            await asyncio.sleep(0.2)

    async def inbox_depth(self) -> int:
        """How many accepted orders are not awarded yet."""
        bundle = await read_ledger(Settings(state=self.state), clock.now)
        try:
            return await bundle.ledger.inbox_depth()
        finally:
            await bundle.close()

    async def example(self, port: int, request: bytes) -> dict[str, Any]:
        """A real answer, for a server that imitates it."""
        connection = await Connection().open(port)
        status, headers, body = await connection.ask(request)
        connection.close()
        return {"status": status, "headers": [one for one in headers if one[0] != "date"], "body": body.decode()}


async def prepare(state: Path, members: int) -> PreparedShop:
    """A shop under `state`, made where there is none yet; its tokens are signed anew."""
    settings, empty = Settings(state=state / "shop"), Settings(state=state / "empty")
    names, rng = [f"customer-{n}" for n in range(members)], Random(SEED)
    async with build(settings) as services:
        if await services.ledger.member(names[-1]) is None:
            for start in range(0, members, BATCH):
                orders = [
                    (form.order(f"A-{form.member_id}", clock.now()), b"")
                    for form in (
                        OrderForm(
                            member_id=name, currency="GBP", total=f"{min(int(rng.paretovariate(1.1)), 10_000)}0.00"
                        )
                        for name in names[start : start + BATCH]
                    )
                ]
                await services.intake.accept_all(orders)
            await services.awarder.drain()
    async with build(empty):
        pass
    tokens = {name: sign_token(settings, subject=name, scope=None, ttl_s=TOKEN_TTL_S) for name in names}
    till = sign_token(settings, subject="till", scope="orders:write", ttl_s=TOKEN_TTL_S)
    shutil.copy(settings.state / "auth.key", empty.state / "auth.key")
    return PreparedShop(settings.state, empty.state, tokens, till)


async def enrolled_elsewhere(shop: PreparedShop, state: Path, url: str, members: Sequence[str]) -> None:
    """Another state, which takes the same tokens, and the ledger at this URL with these members."""
    settings = Settings(state=state, ledger=LedgerSettings(url=url))
    async with build(settings) as services:
        for start in range(0, len(members), BATCH):
            orders = [
                (OrderForm(member_id=name, currency="GBP", total="10.00").order(f"A-{name}", clock.now()), b"")
                for name in members[start : start + BATCH]
            ]
            await services.intake.accept_all(orders)
        await services.awarder.drain()
    shutil.copy(shop.state / "auth.key", state / "auth.key")


def read_request(member: str, token: str, path: str = "/loyalty/{}") -> bytes:
    """A dashboard, as a browser's page asks for it."""
    return (
        f"GET {path.format(member)} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nAuthorization: Bearer {token}\r\n"
        "Accept: application/json\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n\r\n"
    ).encode()


def order_request(order_id: str, member: str, token: str) -> bytes:
    """An order of 25.00, as a till sends it."""
    body = f'{{"member_id":"{member}","currency":"GBP","channel":"store","total":"25.00"}}'
    return (
        f"POST /order/{order_id} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
