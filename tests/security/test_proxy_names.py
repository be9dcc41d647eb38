"""Refused: telling who a proxy name is. No ids in any public answer, names not derivable, re-issuable, opt-out.

A test reads every public answer: all that a member can get, and all that needs no token. The routes come from the table
that the server is built from, the files from the folder that is served.
"""

import re
from collections.abc import AsyncIterator
from functools import reduce
from pathlib import Path

import httpx
import pytest
from tests.integration.http_shop import Shop, open_shop

from laurels.dashboard.names import PUBLISHED_KEY
from laurels.http.api import service
from laurels.http.app import ROUTES
from laurels.http.serving.files import WEB

pytestmark = pytest.mark.anyio

EARLIER = 7653
"""Members who enrolled before, so that the numbers of the planted ones are not to be mistaken."""

PLANTED = [f"planted-{word}@id.example" for word in ("ann", "bob", "cat", "dan")]
HIDDEN = "planted-hidden@id.example"
READER = "reader"
OWN_ADDRESS = "reader@mail.example"
PAGES = ["/", "/docs", "/openapi.json"]
FILES = sorted(f"/web/{path.relative_to(WEB)}" for path in WEB.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """Members with points, addresses and orders, and one who left the board; and a reader among them."""
    state = tmp_path_factory.mktemp("state")
    async with open_shop(state, names_key_file=key_file(state, PUBLISHED_KEY)) as shop:
        await furnish(shop)
        yield shop


def key_file(folder: Path, key: bytes) -> Path:
    path = folder / "test-names.key"
    path.write_text(key.hex())
    path.chmod(0o600)
    return path


async def furnish(shop: Shop, earlier: int = EARLIER) -> None:
    await shop.services.members.enrol([(f"m{n}", None) for n in range(earlier)], actor="import")
    for n, member in enumerate([*PLANTED, HIDDEN, READER]):
        email = OWN_ADDRESS if member == READER else f"planted-{n}@mail.example"
        order = {"total": f"{(n + 3) * 111}.00", "email": email}
        assert (await shop.order(f"order-of-{member}", member, **order)).status_code == 202
    await shop.settle()
    await shop.ask("POST", f"/members/{HIDDEN}/hide")
    await shop.settle()


async def secrets(shop: Shop) -> re.Pattern[str]:
    """What no answer may hold: ids, parts of them, addresses, orders, member numbers and name numbers."""
    words = ["planted", "id.example", "mail.example", "order-of"]
    for member_id in [*PLANTED, HIDDEN]:
        member = await shop.services.ledger.member(member_id)
        assert member is not None
        assert member.number >= EARLIER
        words += [rf"\b{member.number}\b", rf"\b{member.name_number}\b"]
    return re.compile("|".join(dict.fromkeys(words)))


async def read(shop: Shop, path: str, member: str | None) -> httpx.Response:
    """An answer as a member gets it, or anybody; of a stream the first event."""
    headers = {} if member is None else {"Authorization": f"Bearer {shop.token(member=member)}"}
    async with shop.client.stream("GET", path, headers=headers) as answer:
        if "text/event-stream" not in answer.headers["content-type"]:
            await answer.aread()
            return answer
        lines = ""
        async for line in answer.aiter_lines():
            lines += line + "\n"
            if not line:
                break
        assert '"as_of"' in lines
        return httpx.Response(answer.status_code, headers=answer.headers, text=lines)


def addresses() -> list[str]:
    """Every address that may be read, for the reader itself and for what is not the reader's."""
    names = {"board": ["all-time", "month", "month:2020-01", "nothing"], "name": ["conflict", "nothing"]}
    names |= {"member_id": [READER, "nobody"], "order_id": ["order-of-reader", "nobody"], "number": ["0"]}
    found = [*PAGES, *FILES, "/nothing", "/web/nothing", "/favicon.ico"]
    for route in [one for one in (*ROUTES, *service.ROUTES) if one.method == "GET"]:
        name, *others = re.findall(r"{(\w+)}", route.path) or [""]
        path = reduce(lambda path, other: path.replace("{" + other + "}", "nothing"), others, route.path)
        found += [path.replace("{" + name + "}", value) for value in names.get(name, [""])]
        if "member_id" in route.path and route.query is not None and "board" in route.query.__struct_fields__:
            own = route.path.format(member_id=READER, redemption_id="V1", hold_id="H1")
            found += [f"{own}?board={board}&top=100&around=50" for board in names["board"]]
    return found


@pytest.mark.parametrize("path", addresses())
async def test_no_public_answer_holds_an_id(shop: Shop, path: str) -> None:
    secret = await secrets(shop)
    for member in (READER, None):
        answer = await read(shop, path, member)
        text = answer.text.replace("order-of-reader", "")  # which the reader asked for, and had sent
        if path == f"/members/{READER}/export" and member == READER:  # all that is kept of itself
            assert OWN_ADDRESS in text
            text = text.replace(OWN_ADDRESS, "")
        for said in (text, str(answer.headers)):
            assert not secret.search(said), said


async def test_the_answers_that_are_searched_show_everybody(shop: Shop) -> None:
    """So that they could hold an id: each of the planted members is on the board that the reader sees."""
    answer = await read(shop, f"/loyalty/{READER}?top=100", READER)
    assert answer.json()["ranked"] == len(PLANTED) + 1 == len(answer.json()["top"])
    for secret in (*PLANTED, f"order-of-{READER}", f'{{"member": {EARLIER + 1}}}'):
        assert (await secrets(shop)).search(secret)


async def test_foreign_ids_that_are_asked_for_are_not_repeated(shop: Shop) -> None:
    secret = await secrets(shop)
    for route in [one for one in ROUTES if "{member_id}" in one.path]:
        for member in PLANTED:
            answer = await shop.ask(
                route.method, route.path.format(member_id=member, redemption_id="V1", hold_id="H1"), member=READER
            )
            assert answer.status_code in {403, 404}
            assert not secret.search(answer.text + str(answer.headers))


async def names_on_the_board(shop: Shop) -> list[str]:
    return [row["name"] for row in (await shop.ask("GET", "/leaderboard/all-time?top=100")).json()["top"]]


async def test_names_follow_from_the_key_and_from_nothing_else(tmp_path: Path) -> None:
    """The same members under another key share no name; under the same key, as on another host, they have the same."""
    boards = []
    for n, key in enumerate((bytes(range(32)), bytes(range(1, 33)), bytes(range(32)))):
        (tmp_path / str(n)).mkdir()
        async with open_shop(tmp_path / str(n), names_key_file=key_file(tmp_path / str(n), key)) as shop:
            await furnish(shop, earlier=0)
            boards.append(await names_on_the_board(shop))
    assert boards[0] == boards[2]
    assert not set(boards[0]) & set(boards[1])


async def test_a_name_is_given_anew_and_one_may_leave_and_come_back(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        await furnish(shop, earlier=0)
        before = await names_on_the_board(shop)
        mine = (await read(shop, f"/loyalty/{READER}", READER)).json()["me"]["name"]
        others = [name for name in before if name != mine]
        await shop.ask("POST", f"/members/{READER}/rename", member=READER)
        await shop.settle()
        [new] = set(await names_on_the_board(shop)) - set(others)
        assert new not in before
        await shop.ask("POST", f"/members/{READER}/hide", member=READER)
        await shop.settle()
        assert sorted(await names_on_the_board(shop)) == sorted(others)
        for path in ("/leaderboard/all-time?top=100", "/leaderboard/month?top=100", f"/loyalty/{PLANTED[0]}?around=50"):
            assert new not in (await shop.ask("GET", path)).text
        await shop.ask("POST", f"/members/{READER}/show", member=READER)
        await shop.settle()
        assert new in await names_on_the_board(shop)


async def test_an_erased_member_leaves_no_name(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        await furnish(shop, earlier=0)
        mine = (await read(shop, f"/loyalty/{READER}", READER)).json()["me"]["name"]
        await shop.ask("DELETE", f"/members/{READER}")
        await shop.settle()
        assert mine not in await names_on_the_board(shop)
        assert (await read(shop, f"/loyalty/{READER}", READER)).json()["me"]["name"] is None
