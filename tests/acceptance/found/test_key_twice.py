"""One key twice in what is sent: readers of one text would see two orders in it, so no way in takes it."""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.command_line import laurels_here as laurels
from tests.console.console_shop import open_console_shop
from tests.integration.http_shop import Shop, fields_at_fault, open_shop

from laurels.errors import FileRefused
from laurels.exchange import Mapping, OptionList, open_documents, read_adjustments
from laurels.http.app import ROUTES
from laurels.http.openapi.examples import IDS, REQUESTS
from laurels.http.routes import Route
from laurels.intake import ReceivedMessage, Taking

pytestmark = pytest.mark.anyio

TAKING = [route for one in ROUTES for route in (one, one.for_members) if route is not None and route.takes_body]
ORDER = {"order_id": "A1", "member_id": "ann", "currency": "GBP", "total": "25.00"}


def twice(value: Any) -> Iterator[tuple[str, str]]:
    """(way to the key, text) of a JSON value with each of its keys twice in turn, at any depth, spelt in two ways."""
    if isinstance(value, list):
        for at, each in enumerate(value):
            for key, text in twice(each):
                way = f"[{at}]{key}" if key.startswith("[") else f"[{at}].{key}"
                yield way, f"[{','.join([*map(json.dumps, value[:at]), text, *map(json.dumps, value[at + 1 :])])}]"
    if not isinstance(value, dict):
        return
    pairs = {key: f"{json.dumps(key)}: {json.dumps(each)}" for key, each in value.items()}
    for key, each in value.items():
        for again in (json.dumps(key), f'"\\u{ord(key[0]):04x}{key[1:]}"'):
            yield key, f"{{{', '.join([*pairs.values(), f'{again} :{json.dumps(each)}'])}}}"
        for inner, text in twice(each):
            way = f"{key}{inner}" if inner.startswith("[") else f"{key}.{inner}"
            yield way, f"{{{','.join((pairs | {key: f'{json.dumps(key)}:{text}'}).values())}}}"


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path_factory.mktemp("state"), http_rate_limit_per_minute=60_000) as shop:
        yield shop


@pytest.mark.parametrize("route", TAKING, ids=lambda route: route.handle.__name__)
async def test_every_call_refuses_it(shop: Shop, route: Route) -> None:
    path = route.path.format(**IDS)
    member = IDS["member_id"] if route.handle.__name__ == "check_out" else None
    tried, before = 0, await shop.services.ledger.heads()
    for example in REQUESTS[route.handle.__name__].values():
        documents = example if route.bulk_of is not None else [example]
        for document in documents:
            for key, text in twice(document):
                tried += 1
                if route.bulk_of is None:
                    answer = await shop.ask(route.method, path, member=member, content=text.encode())
                    assert fields_at_fault(answer) == [key], text
                    assert "is given more than once" in answer.text
                    continue
                for body in (f"[{text}]", f"{text}\n"):
                    [result] = (await shop.ask(route.method, path, content=body.encode())).json()
                    assert (result["status"], result["http"]) == ("invalid", 422), body
                    assert result["errors"] == [{"field": key, "message": "is given more than once"}]
    assert tried or not any(REQUESTS[route.handle.__name__].values())
    assert await shop.services.ledger.inbox_depth() == 0
    assert await shop.services.ledger.heads() == before


async def test_a_header_that_names_the_act_counts_once(shop: Shop) -> None:
    sent = [("Authorization", f"Bearer {shop.token()}"), ("Idempotency-Key", "k1"), ("Idempotency-Key", "k2")]
    answer = await shop.client.post("/loyalty/ann", headers=sent, json={"loyalty-points": 5})
    assert fields_at_fault(answer) == ["Idempotency-Key"]


async def test_a_queue_sets_it_aside(shop: Shop) -> None:
    services = shop.services
    taking = Taking(services.intake, services.ledger, services.now, "orders")
    bodies = [text.encode() for _, text in twice({"kind": "order", **ORDER})]
    taken = await taking.keep(taking.read([ReceivedMessage(body) for body in bodies]))
    assert (taken.accepted, taken.refused) == (0, len(bodies))
    assert await services.ledger.inbox_depth() == 0
    reasons = [each.reason for each in await services.ledger.quarantine(limit=100)]
    assert all("is given more than once" in reason for reason in reasons), reasons


async def test_a_form_or_an_address_of_the_console_has_it_once(tmp_path: Path) -> None:
    async with open_console_shop(tmp_path / "state") as house:
        visitor = await house.signed_in("lead")
        page = await visitor.open("/customers/0/correct?points=5&points=50")
        assert (page.status_code, "points is given more than once" in page.text) == (422, True)
        await visitor.open("/customers/0/correct")
        fields = visitor.fields("/customers/0/correct") | {"points": "5", "reason": "x", "step": "do"}
        path = "/customers/0/correct"
        body = "&".join(f"{name}={value}" for name, value in fields.items()) + "&points=50"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        page = await visitor.client.post(path, content=body, headers=headers)
        assert (page.status_code, "points is given more than once" in page.text) == (422, True)
        entries = (await house.shop.ask("GET", "/loyalty/ann/entries")).json()["entries"]
        assert entries[0]["points"] == -10, "nothing was corrected"


def orders(path: Path) -> object:
    return open_documents(path)


def flat_orders(path: Path) -> object:
    return open_documents(path, Mapping(order_id="order_id"))


def adjustments(path: Path) -> object:
    return read_adjustments(path, OptionList(), quiet=True)


@pytest.mark.parametrize(
    ("read", "example"),
    [
        (orders, {**ORDER, "lines": [{"sku": "1", "quantity": 1, "unit_price": "25.00"}]}),
        (orders, {"refund_id": "R1", "order_id": "A1", "member_id": "ann", "currency": "GBP", "amount": "25.00"}),
        (flat_orders, {**ORDER, "more": {"a": "1"}}),
        (adjustments, {"adjustment_id": "J1", "member_id": "ann", "loyalty-points": 5, "reason": "x"}),
    ],
)
def test_files_are_refused_and_say_where(tmp_path: Path, read: Callable[[Path], object], example: object) -> None:
    for key, text in twice(example):
        for name, body in (("a.ndjson", f"{text}\n"), ("a.json", f"[\n{text}]")):
            (tmp_path / name).write_text(body)
            with pytest.raises(FileRefused, match=re.escape(f"row 1, column {key}: is given more than once")):
                read(tmp_path / name)


def test_two_ways_to_one_column_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text(json.dumps({**ORDER, "a.b": "1", "a": {"b": "2"}}))
    with pytest.raises(FileRefused, match=r"row 1, column a\.b: is given more than once"):
        flat_orders(tmp_path / "a.ndjson")


def test_a_line_with_a_fault_may_be_left_out(tmp_path: Path) -> None:
    twice_ = json.dumps(ORDER)[:-1] + ', "total": "2500.00"}'
    (tmp_path / "a.ndjson").write_text(f"{twice_}\n{json.dumps(ORDER | {'order_id': 'A2'})}\n")
    done = laurels("import", tmp_path / "a.ndjson", "--skip-invalid", "--state", tmp_path / "state")
    assert (done.returncode, "left out 1 row" in done.stderr) == (0, True), done.stderr
