"""People over the API: whose tokens are theirs, what each role may do, and what is recorded of it."""

from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.integration.http_shop import Shop, check_problem, open_shop

from laurels import clock
from laurels.http.admission.person_tokens import AUDIENCE, ISSUER, KID, PersonTokens, console_key
from laurels.http.admission.rights import FOR_PEOPLE
from laurels.http.admission.tokens import development_key
from laurels.http.app import ROUTES
from laurels.http.routes import Route
from laurels.model.people import ROLES

pytestmark = pytest.mark.anyio

ROUTES_BY_NAME = {route.handle.__name__: route for route in ROUTES}
READING = [name for name, route in ROUTES_BY_NAME.items() if route.method == "GET"]


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path_factory.mktemp("state")) as shop:
        await shop.order("A1", "ann", "990.00", email="ann@example.com")
        await shop.order("A2", "bob", "400.00")
        await shop.settle()
        await shop.ask("POST", "/loyalty/ann/redeem", json={"redemption_id": "V1", "points": 10})
        await shop.settle()
        yield shop


def claims(**more: Any) -> dict[str, Any]:
    now = clock.now() // clock.SECOND
    usual = {"laurels": "person", "iss": ISSUER, "aud": AUDIENCE, "sub": "niamh", "name": "Niamh", "jti": "j1"}
    return {**usual, "roles": ["support"], "scope": "members:read", "iat": now, "exp": now + 60, **more}


def signed(shop: Shop, said: dict[str, Any], key: Ed25519PrivateKey | None = None, kid: str = KID) -> str:
    return jwt.encode(said, key or console_key(shop.services.settings), "EdDSA", headers={"kid": kid})


async def rows(shop: Shop) -> list[dict[str, Any]]:
    """The log, oldest first, as an auditor's service reads it."""
    found: list[dict[str, Any]] = (await shop.ask("GET", "/audit?limit=500")).json()["rows"]
    return found[::-1]


async def test_a_person_is_let_in(shop: Shop) -> None:
    answer = await shop.ask("GET", "/members/number/0", token=signed(shop, claims()))
    assert answer.status_code == 200
    assert (answer.json()["member_id"], answer.json()["contact"]) == ("ann", "a•••••@example.com")


@pytest.mark.parametrize(
    "wrong",
    [
        {"exp": 1},
        {"iss": "other"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"laurels": "service"},
        {"laurels": ["person", "service"]},
        {"laurels": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a\nb"},
        {"sub": "x" * 300},
        {"name": ""},
        {"jti": None},
        {"roles": {"support": 1}},
        {"scope": 7},
    ],
    ids=str,
)
async def test_a_token_that_is_not_as_the_console_signs_it_is_refused(shop: Shop, wrong: dict[str, Any]) -> None:
    said = {name: value for name, value in claims(**wrong).items() if value is not None}
    check_problem(await shop.ask("GET", "/members/number/0", token=signed(shop, said)), 401, "not-signed-in")


async def test_a_key_of_somebody_else_signs_nobody(shop: Shop) -> None:
    forged = signed(shop, claims(), Ed25519PrivateKey.generate())
    check_problem(await shop.ask("GET", "/members/number/0", token=forged), 401, "not-signed-in")


@pytest.mark.parametrize("kid", [KID, "other"])
async def test_the_key_that_signs_customers_signs_no_person(shop: Shop, kid: str) -> None:
    key = development_key(shop.services.settings.state)
    check_problem(
        await shop.ask("GET", "/members/number/0", token=signed(shop, claims(), key, kid)), 401, "not-signed-in"
    )


async def test_the_consoles_key_signs_people_alone(shop: Shop) -> None:
    said = claims(laurels="service", scope="members:read")
    check_problem(await shop.ask("GET", "/members/number/0", token=signed(shop, said)), 401, "not-signed-in")
    said = {"sub": "ann", "exp": claims()["exp"]}
    check_problem(await shop.ask("GET", "/loyalty/ann", token=signed(shop, said, kid="other")), 401, "not-signed-in")


async def test_no_service_bears_a_persons_name(shop: Shop) -> None:
    key = development_key(shop.services.settings.state)
    said = {"sub": "person:niamh", "laurels": "service", "scope": "members:read", "exp": claims()["exp"]}
    answer = await shop.ask("GET", "/members/number/0", token=jwt.encode(said, key, "EdDSA"))
    check_problem(answer, 401, "not-signed-in")


async def test_a_console_cannot_give_more_than_the_role_has(shop: Shop) -> None:
    greedy = signed(shop, claims(roles=["viewer"], scope="members:read points:adjust audit:read"))
    answer = await shop.ask("POST", "/loyalty/ann", json={"loyalty-points": 1}, token=greedy)
    check_problem(answer, 403, "not-allowed")
    modest = signed(shop, claims(roles=["support"], scope="members:read"))
    answer = await shop.ask("POST", "/loyalty/ann", json={"loyalty-points": 1}, token=modest)
    check_problem(answer, 403, "not-allowed")
    stranger = signed(shop, claims(roles=["admin", "root"], scope="members:read"))
    check_problem(await shop.ask("GET", "/members/number/0", token=stranger), 403, "not-allowed")


def may(role: str | None, route: Route) -> bool:
    """Whether a role may call a route, by the tables alone."""
    assert route.access is not None
    if route.access.scopes and not ROLES[role or ""] & set(route.access.scopes):
        return False
    name = route.handle.__name__
    if name in {"erase", "merge"} and role != "lead":
        return False
    if name in {"find_members", "export_member"} and "members:contact" not in ROLES[role or ""]:
        return False
    return route.method == "GET" or name in FOR_PEOPLE


@pytest.mark.parametrize("name", sorted(ROUTES_BY_NAME))
async def test_every_role_may_what_the_table_says_and_nobody_nothing(shop: Shop, name: str) -> None:
    """Every route, every role. Ids are of nobody, so that what is let through changes nothing."""
    route = ROUTES_BY_NAME[name]
    if "live" in route.path:
        return
    path = route.path.replace("{number}", "4711").replace("{board}", "all-time").replace("{kind}", "order")
    for part in ("member_id", "order_id", "refund_id", "redemption_id", "source", "id"):
        path = path.replace("{" + part + "}", "nobody")
    body = {} if not route.takes_body else {"json": BODIES.get(name, {})}
    for role in ROLES:
        answer = await shop.ask(route.method, path, token=shop.person(role), **body)
        assert (answer.status_code not in {401, 403}) is may(role, route), (role, answer.text)
    answer = await shop.ask(route.method, path, scope=None, **body)
    assert answer.status_code in {401, 429}, "nobody is let in; who tries it often is not even asked"


BODIES: dict[str, Any] = {
    "adjust": {"loyalty-points": "none"},
    "merge": {"into": "nobody-else"},
    "set_contact": {"email": None},
    "find_customers": {"q": "nobody"},
    "drop_quarantined": {"reason": "twice"},
}
"""What is let through has to come as far as the role's check: it is sound, or refused behind it."""


async def test_a_change_is_the_persons_own(shop: Shop) -> None:
    given = {"loyalty-points": 5, "reason": "ticket 7", "note": "Sorry"}
    answer = await shop.ask("POST", "/loyalty/ann", json=given, token=shop.person("support"))
    assert answer.status_code == 201
    entry = answer.json()["loyaltyId"]
    [top, *_] = (await shop.ask("GET", "/members/number/0/timeline")).json()["entries"]
    assert (top["loyaltyId"], top["actor"], top["undo"]) == (entry, "person:niamh", {"action": "adjust", "points": -5})
    last = (await rows(shop))[-1]
    assert {name: last[name] for name in ("sub", "name", "roles", "action", "member", "object", "outcome")} == {
        "sub": "niamh",
        "name": "Niamh Byrne",
        "roles": "support",
        "action": "adjust",
        "member": 0,
        "object": f"entry {entry}",
        "outcome": "done",
    }
    own = (await shop.ask("GET", "/loyalty/ann/entries", member="ann")).json()["entries"][0]
    assert (own["reason"], own["note"]) == ("Sorry", "Sorry")


@pytest.mark.parametrize(
    ("role", "points", "status"), [("support", 501, 403), ("support", -501, 403), ("lead", 501, 201)]
)
async def test_a_role_corrects_up_to_its_limit(shop: Shop, role: str, points: int, status: int) -> None:
    answer = await shop.ask("POST", "/loyalty/bob", json={"loyalty-points": points}, token=shop.person(role))
    assert answer.status_code == status, answer.text
    last = (await rows(shop))[-1]
    assert (last["action"], last["outcome"]) == ("adjust", "done" if status == 201 else "refused: not-allowed")


async def test_a_check_tells_and_changes_nothing(shop: Shop) -> None:
    before = (await shop.ask("GET", "/loyalty/bob/balance")).json()
    answer = await shop.ask("POST", "/loyalty/bob?check=1", json={"loyalty-points": 90}, token=shop.person("support"))
    effect = answer.json()["effect"]
    assert (effect["balance"], effect["balance_after"]) == (before["balance"], before["balance"] + 90)
    assert (await shop.ask("GET", "/loyalty/bob/balance")).json() == before
    assert (await rows(shop))[-1]["outcome"] == "checked"
    # A check by a service is no matter of the log.
    count = len(await rows(shop))
    await shop.ask("POST", "/loyalty/bob?check=1", json={"loyalty-points": 90})
    assert len(await rows(shop)) == count


async def test_spent_points_come_back_by_check_and_then_in_truth(shop: Shop) -> None:
    token = shop.person("support")
    path = "/loyalty/ann/redeem/V1/cancel"
    checked = (await shop.ask("POST", f"{path}?check=1", json={"points": 4}, token=token)).json()["effect"]
    assert checked["points"] == 4
    done = await shop.ask("POST", path, json={"points": 4, "cancel_id": "c1"}, token=token)
    assert done.json()["balance"] == checked["balance_after"]
    answer = await shop.ask("POST", f"{path}?check=1", json={"points": 7}, token=token)
    check_problem(answer, 409, "conflict")
    spent = (await shop.ask("GET", "/members/number/0/timeline?kinds=redeem")).json()["entries"][0]
    assert (spent["redemption_id"], spent["restored"], spent["undo"]) == ("V1", 4, {"action": "restore", "points": 6})


async def test_one_token_is_one_look_and_contact_is_another(shop: Shop) -> None:
    count = len(await rows(shop))
    token = shop.person("support")
    for path in ("", "/timeline", "/timeline?limit=1", "/contact", "/contact"):
        assert (await shop.ask("GET", f"/members/number/0{path}", token=token)).status_code == 200
    new = (await rows(shop))[count:]
    assert [(row["action"], row["member"]) for row in new] == [("show_customer", 0), ("show_contact", 0)]
    await shop.ask("GET", "/members/number/0", token=shop.person("support"))
    assert len(await rows(shop)) == count + 3


async def test_a_search_is_recorded_without_its_words(shop: Shop) -> None:
    answer = await shop.ask("POST", "/search", json={"q": "ANN@example.com"}, token=shop.person("support"))
    assert [(hit["kind"], hit["number"]) for hit in answer.json()["hits"]] == [("e-mail", 0)]
    last = (await rows(shop))[-1]
    assert (last["action"], last["outcome"], last["object"]) == ("find_customers", "e-mail 1", "")
    assert "ann" not in str(last).lower()


async def test_who_may_see_no_contact_finds_nobody_by_it(shop: Shop) -> None:
    answer = await shop.ask("POST", "/search", json={"q": "ann@example.com"}, token=shop.person("viewer"))
    assert answer.json() == {"hits": [], "tried": ["customer", "document", "prefix"]}


@pytest.mark.parametrize(
    ("words", "kinds"),
    [("A1", ["order"]), ("V1", ["redemption"]), ("ann", ["customer"]), ("bo", []), ("nobody", []), ("A", [])],
)
async def test_a_search_finds_by_ids(shop: Shop, words: str, kinds: list[str]) -> None:
    answer = await shop.ask("POST", "/search", json={"q": words})
    assert [hit["kind"] for hit in answer.json()["hits"]] == kinds


async def test_a_search_finds_by_the_name_on_the_boards(shop: Shop) -> None:
    name = (await shop.ask("GET", "/members/number/1")).json()["name"]
    hits = (await shop.ask("POST", "/search", json={"q": f" {name.lower()} "})).json()["hits"]
    assert [(hit["kind"], hit["member_id"]) for hit in hits] == [("name", "bob")]


async def test_a_look_at_the_log_is_in_the_log(shop: Shop) -> None:
    await shop.ask("GET", "/audit", token=shop.person("auditor", sub="rex", name="Rex"))
    assert [(row["sub"], row["action"]) for row in await rows(shop)][-1] == ("rex", "show_audit")


async def test_of_who_was_erased_the_log_keeps_the_number_alone(shop: Shop) -> None:
    await shop.order("A3", "cyrillo@example.org", "30.00")
    await shop.settle()
    number = (await shop.ask("GET", "/members/cyrillo@example.org")).json()["number"]
    token = shop.person("lead")
    await shop.ask("GET", "/members/cyrillo@example.org", token=token)
    assert (await shop.ask("DELETE", "/members/cyrillo@example.org", token=token)).status_code == 200
    mine = [row for row in await rows(shop) if row["member"] == number]
    assert [row["action"] for row in mine] == ["show_member", "erase"]
    assert "cyrillo" not in str(await rows(shop))


@pytest.mark.parametrize("method", ["POST /hide", "POST /show", "POST /rename", "GET ", "GET /timeline", "DELETE "])
async def test_a_customer_whose_id_is_number_is_one_like_others(shop: Shop, method: str) -> None:
    await shop.order("A77", "number", "30.00")
    await shop.settle()
    verb, _, action = method.partition(" ")
    answer = await shop.ask(verb, f"/members/number{action}")
    assert answer.status_code == 200, answer.text


async def test_with_the_ledger_away_nothing_is_told(tmp_path: Any) -> None:
    async with open_shop(tmp_path) as shop:
        await shop.order("A1", "ann", "990.00", email="ann@example.com")
        await shop.settle()
        token = shop.person("support")
        assert (await shop.ask("GET", "/loyalty/ann", token=token)).status_code == 200
        await shop.services.ledger.close()
        # The board is in memory and could answer; but the look could not be recorded.
        other = PersonTokens(console_key(shop.services.settings)).sign("aoife", "Aoife", ["support"])
        answer = await shop.ask("GET", "/loyalty/ann", token=other)
        check_problem(answer, 503, "ledger-unavailable")
