"""Every example in the API's description is sent, and answered as it says."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from tests.integration.http_shop import Shop, open_shop

from laurels.http.app import ROUTES
from laurels.http.openapi.answer_examples import ANSWERS
from laurels.http.openapi.examples import REQUESTS
from laurels.http.problems import KINDS
from laurels.ledger.rollups import DuePoints
from laurels.program import DEFAULT_PROGRAM
from laurels.role_status import RoleState
from laurels.rollups import RollingUp

pytestmark = pytest.mark.anyio

MEMBER = "17850"
KNOWN = [route for one in ROUTES for route in (one, one.for_members) if route is not None]
NAMES = [route.handle.__name__ for route in KNOWN]


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """A shop with the member of the examples and others above and below, and with the order of the examples."""
    async with open_shop(tmp_path_factory.mktemp("state")) as shop:
        await shop.order("A1001", MEMBER, "25.00", email="ann@example.com")
        await shop.settle()
        refund = {"refund_id": "R0", "member_id": MEMBER, "currency": "GBP", "amount": "1.00"}
        await shop.ask("POST", "/order/A1001/refund", json=refund)
        await shop.order("Y1", MEMBER, "2500", currency="JPY")
        await shop.settle()
        for member, points in (("above", 900), ("just-above", 800), (MEMBER, 475), ("below", 300)):
            await shop.ask("POST", f"/loyalty/{member}", json={"loyalty-points": points})
        await shop.order("A1002-USD", MEMBER, "25.00", currency="USD")
        shop.services.roles.tell("award", RoleState.RUNNING)
        given = {"loyalty-points": 25, "reason": "ticket 48213", "note": "Sorry"}
        await shop.ask("POST", f"/loyalty/{MEMBER}", json=given, token=shop.person("support"))
        await shop.settle()
        await shop.order("A1000", MEMBER, "5.00")  # is ready, and waits
        await propose(shop, "p1")
        await RollingUp(shop.services.ledger, shop.services.programs.current.zone).reach()
        await shop.services.ledger.write_due(shop.services.now(), [DuePoints("lapse", 20261130, 40, 2)])
        yield shop


async def propose(shop: Shop, proposal_id: str) -> int:
    body = {"proposal_id": proposal_id, "member_id": MEMBER, "loyalty-points": 600, "reason": "ticket 48213"}
    answer = await shop.ask("POST", "/proposals", json=body, token=shop.person("support"))
    number: int = answer.json()["job"]["number"]
    return number


def sends() -> list[Any]:
    return [
        pytest.param(route.method, route.path, name, f"A{number}", id=f"{route.handle.__name__}: {name}")
        for route in KNOWN
        for number, name in enumerate(REQUESTS.get(route.handle.__name__, {}), NAMES.index(route.handle.__name__) * 10)
    ]


def reads() -> list[Any]:
    return [
        pytest.param(route.method, route.path, id=route.handle.__name__)
        for route in KNOWN
        if not route.takes_body and route.media_type == "application/json"
    ]


async def described(shop: Shop, method: str, path: str) -> dict[str, Any]:
    operation: dict[str, Any] = (await shop.client.get("/openapi.json")).json()["paths"][path][method.lower()]
    return operation


def filled(path: str, operation: dict[str, Any]) -> str:
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", parameter["example"])
    return path


def with_campaign(version: int) -> str:
    campaign = '[[campaigns]]\nname = "double dairy"\nmultiply = "2"\n'
    return DEFAULT_PROGRAM.replace("version = 1", f"version = {version}") + campaign


def shape(value: Any) -> Any:
    """The names of an answer's fields; of a list those of its first element, since the others are like it."""
    if isinstance(value, dict):
        return {name: shape(field) for name, field in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__


def told(operation: dict[str, Any], status: int) -> Any:
    """The example of an answer; none is told for what is not the usual one."""
    return operation["responses"][str(status)]["content"]["application/json"].get("example")


@pytest.mark.parametrize(("method", "path"), reads())
async def test_what_needs_no_body_is_answered_as_the_example_says(shop: Shop, method: str, path: str) -> None:
    """In the order of the documentation, which erases the member at the end."""
    operation = await described(shop, method, path)
    address = filled(path, operation)
    if path.startswith("/messages/"):
        known = (await shop.ask("GET", "/messages?state=due")).json()["messages"][0]["id"]
        address = path.replace("{message_id}", known)
    answer = await shop.ask(method, address)
    assert answer.is_success, answer.text
    example, found = shape(told(operation, answer.status_code)), shape(answer.json())
    if path == "/status":  # of a shop that was neither checked nor backed up yet
        assert {found.pop(name) for name in ("checked", "backed_up", "restored")} == {"NoneType"}
        assert {type(example.pop(name)) for name in ("checked", "backed_up", "restored")} == {dict}
    assert example == found


@pytest.mark.parametrize(("method", "path", "name", "order_id"), sends())
async def test_an_example_is_taken(shop: Shop, method: str, path: str, name: str, order_id: str) -> None:
    """Each with an order id of its own."""
    await shop.ask("POST", f"/loyalty/{MEMBER}", json={"loyalty-points": 100})
    operation = await described(shop, method, path)
    body = operation["requestBody"]["content"]["application/json"]["examples"][name]["value"]
    member = MEMBER if "itemIds" in body else None
    address = filled(path, operation).replace("A1001", order_id)
    if path.endswith("/drop"):  # it was tried again before
        await shop.settle()
    if path.endswith("/amend"):
        await shop.order(order_id, MEMBER, "25.00")
    if path.endswith("/refund/{refund_id}/cancel"):
        refund = {"refund_id": "R0", "member_id": MEMBER, "currency": "GBP", "amount": "1.00"}
        await shop.ask("POST", "/order/A1001/refund", json=refund)
        address = filled(path, operation)
    if path.endswith("/void"):  # the other one was taken
        await shop.ask("POST", f"/loyalty/{MEMBER}/hold", json={"hold_id": "H2", "points": 50})
        address = address.replace("/H1/", "/H2/")
    if path.endswith("/tier"):
        tiers = f'{DEFAULT_PROGRAM}\n[tiers]\nlevels = [{{name = "gold", reach = 500}}]'.replace(
            "version = 1", "version = 9"
        )
        await shop.services.ledger.publish(9, tiers, None, actor="test")
    if path.startswith("/proposals/"):
        number = await propose(shop, f"{path} {order_id}")
        address = address.replace("/1/", f"/{number}/")
        seen = (await shop.ask("GET", f"/proposals/{number}")).json()
        body = {name: value for name, value in {**seen["job"], **seen}.items() if name in body}
    elif path.endswith("/approve"):
        draft = await shop.services.ledger.submit(5, with_campaign(5), actor="test")
        address = address.replace("/1/", f"/{draft.digest}/")
    if path.endswith("/stop"):
        await shop.services.ledger.publish(6, with_campaign(6), None, actor="test")
    answer = await shop.ask(method, address, json=body, member=member)
    assert answer.is_success, answer.text
    assert shape(told(operation, answer.status_code)) == shape(answer.json())


async def test_lines_are_taken_where_an_array_is(shop: Shop) -> None:
    for path in ("/orders", "/members"):
        operation = await described(shop, "POST", path)
        [example] = operation["requestBody"]["content"]["application/x-ndjson"]["examples"].values()
        headers = {"Content-Type": "application/x-ndjson"}
        answer = await shop.ask("POST", path, content=example["value"], headers=headers)
        assert [one["http"] < 300 for one in answer.json()] == [True, True]


def test_every_route_has_examples_and_every_example_a_route() -> None:
    assert REQUESTS.keys() == {route.handle.__name__ for route in KNOWN if route.takes_body}
    streams = {route.handle.__name__ for route in KNOWN if route.media_type == "text/event-stream"}
    assert ANSWERS.keys() == {*NAMES} - streams


@pytest.mark.parametrize("name", KINDS)
async def test_the_type_of_a_problem_leads_somewhere(shop: Shop, name: str) -> None:
    kind = KINDS[name]
    answer = await shop.client.get(kind.type)
    assert answer.status_code == 200
    assert answer.json() == msgspec.to_builtins(kind)
    assert kind.meaning.endswith(".")


async def test_an_unknown_type_of_problem_is_a_404(shop: Shop) -> None:
    assert (await shop.client.get("/problems/no-such-thing")).json()["type"] == "/problems/not-found"
