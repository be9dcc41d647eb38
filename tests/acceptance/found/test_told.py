"""What shops and operators are told: how a refund stands, which fields differ, who a member is, what lies in
quarantine, from which version an answer counts.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.acceptance.command_line import laurels_here
from tests.integration.http_shop import Shop, check_problem, open_shop

from laurels.awarding.causes import OTHER, cause_of
from laurels.runtime.quarantining import tell_quarantined

pytestmark = pytest.mark.anyio

ORDER: dict[str, Any] = {"member_id": "ann", "currency": "GBP", "total": "25.00"}
REFUND: dict[str, Any] = {"refund_id": "R1", "member_id": "ann", "currency": "GBP", "amount": "5.00"}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path / "state") as opened:
        yield opened


async def test_a_refund_is_told_at_every_stage(shop: Shop) -> None:
    """Waiting for its order, taken back, cancelled; another order's and another member's are unknown."""
    path = "/order/A1/refund/R1"
    assert (await shop.ask("GET", path)).status_code == 404
    await shop.ask("POST", "/order/A1/refund", json=REFUND)
    await shop.settle()
    waiting = (await shop.ask("GET", path)).json()
    assert (waiting["status"], "points" in waiting) == ("waiting", False)
    await shop.ask("POST", "/order/A1", json=ORDER)
    await shop.settle()
    taken = (await shop.ask("GET", path)).json()
    assert (taken["status"], taken["points"], [one["kind"] for one in taken["entries"]]) == ("awarded", -1, ["reverse"])
    await shop.ask("POST", f"{path}/cancel")
    await shop.settle()
    cancelled = (await shop.ask("GET", path)).json()
    assert (cancelled["points"], [one["points"] for one in cancelled["entries"]]) == (0, [-1, 1])
    assert (await shop.ask("GET", path, member="ann")).json()["points"] == 0
    check_problem(await shop.ask("GET", path, member="bob"), 404, "not-found")
    check_problem(await shop.ask("GET", "/order/A2/refund/R1"), 404, "not-found")
    check_problem(await shop.ask("GET", path, scope="points:adjust"), 403, "not-allowed")


async def test_a_refund_in_quarantine_says_why(shop: Shop) -> None:
    await shop.ask("POST", "/order/A1", json=ORDER)
    await shop.ask("POST", "/order/A1/refund", json=REFUND | {"currency": "EUR"})
    await shop.settle()
    told = (await shop.ask("GET", "/order/A1/refund/R1")).json()
    assert (told["status"], "the refund in EUR" in told["reason"]) == ("quarantined", True)


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"total": "26.00"}, ["total"]),
        ({"member_id": "bob"}, ["member_id"]),
        ({"currency": "EUR", "channel": "store"}, ["channel", "currency"]),
        ({"occurred_at": "2026-11-01T10:00:00Z"}, ["occurred_at"]),
        ({"lines": [{"sku": "A", "quantity": 1, "unit_price": "25.00"}]}, ["lines"]),
    ],
)
@pytest.mark.parametrize("awarded", [False, True])
async def test_a_conflict_says_which_fields_differ(
    shop: Shop, changed: dict[str, Any], fields: list[str], awarded: bool
) -> None:
    await shop.ask("POST", "/order/A1", json=ORDER)
    if awarded:
        await shop.settle()
    problem = check_problem(await shop.ask("POST", "/order/A1", json=ORDER | changed), 409, "conflict")
    assert [one["field"] for one in problem["errors"]] == fields
    assert ", ".join(fields) in problem["detail"]
    [in_bulk] = (await shop.ask("POST", "/orders", json=[{"order_id": "A1"} | ORDER | changed])).json()
    assert (in_bulk["http"], [one["field"] for one in in_bulk["errors"]]) == (409, fields)


async def test_conflicts_of_other_documents_say_it_too(shop: Shop) -> None:
    await shop.ask("POST", "/order/A1", json=ORDER)
    await shop.ask("POST", "/order/A1/refund", json=REFUND)
    await shop.settle()
    key: dict[str, Any] = {"headers": {"Idempotency-Key": "k1"}}
    await shop.ask("POST", "/loyalty/ann", json={"loyalty-points": 5}, **key)
    await shop.ask("POST", "/loyalty/ann/redeem", json={"redemption_id": "V1", "points": 1})
    conflicts = [
        (await shop.ask("POST", "/order/A1/refund", json=REFUND | {"amount": "6.00"}), "amount"),
        (await shop.ask("POST", "/loyalty/ann", json={"loyalty-points": 6}, **key), "loyalty-points"),
        (await shop.ask("POST", "/loyalty/ann/redeem", json={"redemption_id": "V1", "points": 2}), "points"),
    ]
    for answer, field in conflicts:
        assert [one["field"] for one in check_problem(answer, 409, "conflict")["errors"]] == [field]


async def test_a_conflict_about_an_erased_member_tells_nothing(shop: Shop) -> None:
    await shop.ask("POST", "/order/A1", json=ORDER)
    await shop.settle()
    await shop.ask("DELETE", "/members/ann")
    answer = await shop.ask("POST", "/order/A1", json=ORDER | {"total": "26.00"})
    assert answer.status_code == 200, "after erasing, the key alone decides"


async def test_answers_to_enrolment_carry_a_version_to_wait_for(shop: Shop) -> None:
    [told] = (await shop.ask("POST", "/members", json=[{"member_id": "ann"}])).json()
    query = {"min_version": told["as_of"]}
    check_problem(await shop.ask("GET", "/loyalty/ann", params=query), 409, "version-not-reached")
    await shop.services.projector.catch_up()
    assert (await shop.ask("GET", "/loyalty/ann", params=query)).status_code == 200


async def test_members_are_found_by_address_and_by_the_beginning_of_the_id(shop: Shop) -> None:
    people = [{"member_id": f"m{n}", "email": f"M{n}@Example.com"} for n in range(5)] + [{"member_id": "n%_1"}]
    await shop.ask("POST", "/members", json=people)
    await shop.ask("POST", "/members/m1/merge", json={"into": "m2"})

    async def found(**query: Any) -> tuple[list[str], str | None]:
        answer = (await shop.ask("GET", "/members", params=query)).json()
        return [one["member_id"] for one in answer["members"]], answer["next"]

    assert await found(email="m3@example.com") == (["m3"], None)
    assert await found(email="m3@example") == ([], None)
    assert await found(id_prefix="m", limit=2) == (["m0", "m1"], "m1")
    assert await found(id_prefix="m", limit=2, after="m1") == (["m2", "m3"], "m3")
    assert await found(id_prefix="m", limit=5) == (["m0", "m1", "m2", "m3", "m4"], None)
    assert await found(email="m3@example.com", limit=1) == (["m3"], None)
    assert await found(id_prefix="n%") == (["n%_1"], None)
    assert await found(id_prefix="%") == ([], None)
    [merged] = (await shop.ask("GET", "/members", params={"id_prefix": "m1"})).json()["members"]
    assert merged["merged_into"] == "m2"
    check_problem(await shop.ask("GET", "/members", member="m0"), 403, "not-allowed")
    check_problem(await shop.ask("GET", "/members", scope="members:write"), 403, "not-allowed")


async def test_all_that_is_kept_about_one_person(shop: Shop) -> None:
    await shop.ask("POST", "/order/A1", json=ORDER | {"email": "ann@example.com", "total": "2500.00"})
    await shop.ask("POST", "/order/B1", json=ORDER | {"member_id": "bob"})
    await shop.order("Y1", "ann", "25", currency="JPY")
    await shop.settle()
    words = {"loyalty-points": 5, "reason": "ticket 48213", "note": "sorry"}
    await shop.ask("POST", "/loyalty/ann", json=words)
    await shop.ask("POST", "/members/bob/merge", json={"into": "ann"})
    kept = (await shop.ask("GET", "/members/ann/export")).json()
    assert (kept["member_id"], kept["other_ids"], kept["email"]) == ("ann", ["bob"], "ann@example.com")
    assert kept["balance"] == 258
    assert {one.get("order_id") for one in kept["entries"]} >= {"A1", "B1"}
    assert [(one["id"], one["status"]) for one in kept["documents"]] == [("Y1", "quarantined")]
    assert [one["state"] for one in kept["mails"]] == ["due"]
    assert "ticket 48213" in json.dumps(kept)
    own = (await shop.ask("GET", "/members/ann/export", member="ann")).json()
    assert own["entries"][1]["amount"] == "2500.00"
    assert "ticket 48213" not in json.dumps(own)
    assert "sorry" in json.dumps(own)
    check_problem(await shop.ask("GET", "/members/ann/export", member="bob"), 404, "not-found")
    check_problem(await shop.ask("GET", "/members/nobody/export"), 404, "not-found")


async def test_what_goes_to_quarantine_is_logged_without_anybodys_data(shop: Shop) -> None:
    shop.services.awarder.on_quarantined = tell_quarantined
    for n in range(3):
        await shop.order(f"Y{n}", "ann", "25", currency="JPY")
    await shop.ask("POST", "/order/A1", json=ORDER)
    await shop.ask("POST", "/order/A1/refund", json=REFUND | {"member_id": "bob"})
    before = (await shop.client.get("/metrics")).text
    with capture_logs() as logs:
        await shop.settle()
    told = {line["cause"]: line["count"] for line in logs if line["event"] == "documents.quarantined"}
    assert told == {"currency": 3, "another-member": 1}
    assert "ann" not in str(logs)
    after = (await shop.client.get("/metrics")).text
    for cause, count in told.items():
        figure = f'laurels_quarantined_total{{reason="{cause}"}}'
        assert _value(after, figure) - _value(before, figure) == count


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("the program (version 1) gives no points for JPY", "currency"),
        ("the order A1 is in GBP, the refund in EUR", "another-currency"),
        ("the order A1 is another member's", "another-member"),
        ("the order A1 did not come within 30 days", "no-order"),
        ("the content cannot be read: x", "unreadable"),
        ("A member's points must stay within plus or minus 2147483647. Nothing was changed.", "points-out-of-range"),
        ("something that nobody foresaw", OTHER),
    ],
)
def test_reasons_have_few_causes(reason: str, cause: str) -> None:
    assert cause_of(reason) == cause


def test_what_is_kept_of_an_imported_document_is_shown(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id,member_id,currency,total\nu1,m1,USD,50.00\n")
    assert laurels_here("import", "orders.csv", cwd=tmp_path).returncode == 1
    [listed] = json.loads(laurels_here("quarantine", "list", "--json", cwd=tmp_path).stdout)
    number = str(listed["number"])
    shown = json.loads(laurels_here("quarantine", "show", number, "--json", cwd=tmp_path).stdout)
    assert json.loads(shown["content"])["total"] == 5000
    assert '"USD"' in laurels_here("quarantine", "show", number, cwd=tmp_path).stdout


def test_what_lies_in_quarantine_is_tried_again_by_its_reason_or_whole(tmp_path: Path) -> None:
    rows = "".join(f"u{n},m1,{currency},50.00\n" for n, currency in enumerate(["USD", "JPY", "USD"]))
    (tmp_path / "orders.csv").write_text("order_id,member_id,currency,total\n" + rows.replace("JPY,50.00", "JPY,50"))
    assert laurels_here("import", "orders.csv", cwd=tmp_path).returncode == 1

    def retry(*which: str) -> str:
        done = laurels_here("quarantine", "retry", *which, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        laurels_here("work", "--once", cwd=tmp_path)
        return done.stdout

    dollars = "the program (version 1) gives no points for USD"
    assert retry("--reason", dollars) == "2 back in the inbox, 0 in quarantine still\n"
    assert retry("--reason", "currency") == "3 back in the inbox, 0 in quarantine still\n"
    assert retry("--reason", "no-order") == "0 back in the inbox, 0 in quarantine still\n"
    assert retry("--all") == "3 back in the inbox, 0 in quarantine still\n"
    for wrong in ([], ["1", "--all"], ["--all", "--reason", "currency"]):
        assert laurels_here("quarantine", "retry", *wrong, cwd=tmp_path).returncode == 2


def _value(text: str, figure: str) -> float:
    return next((float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(figure)), 0.0)
