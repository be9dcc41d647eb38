"""Jobs and proposals over the API: what is checked is what is done, once, and by two where one may not alone."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.integration.http_shop import Shop, check_problem, fields_at_fault, open_shop

from laurels.clock import DAY
from laurels.errors import LaurelsError
from laurels.http.admission import rights
from laurels.jobs import CORRECTIONS, JobRunner, add_corrections, read_corrections
from laurels.ledger import Receipt
from laurels.ledger.jobs import NewJob
from laurels.points import Points

pytestmark = pytest.mark.anyio

HEADER = "member_id,points,reason,note,adjustment_id\n"


@pytest.fixture
async def shop(tmp_path: Path, ledger: str | None) -> AsyncIterator[Shop]:
    async with opened(tmp_path, ledger) as shop:
        yield shop


@pytest.fixture(scope="module")
async def one_shop(tmp_path_factory: pytest.TempPathFactory, shared_ledger: str | None) -> AsyncIterator[Shop]:
    """For what changes nothing."""
    async with opened(tmp_path_factory.mktemp("state"), shared_ledger) as shop:
        yield shop


@asynccontextmanager
async def opened(state: Path, ledger: str | None) -> AsyncIterator[Shop]:
    async with open_shop(state, ledger_url=ledger) as shop:
        for number, member in enumerate(("ann", "bob", "o'brien")):
            await shop.order(f"A{number}", member, "100.00")
        await shop.settle()
        yield shop


async def run_jobs(shop: Shop, points: Points | None = None) -> None:
    services = shop.services
    runner = JobRunner(services.ledger, points or services.points, services.members, services.intake, services.programs)
    while await runner.step():
        pass


async def corrected(shop: Shop, csv: str, *, check: int = 0, token: str | None = None) -> Any:
    body = {"name": "late-parcels.csv", "csv": csv}
    answer = await shop.ask("POST", f"/corrections?check={check}", json=body, token=token)
    assert answer.is_success, answer.text
    return answer.json()


async def job(shop: Shop, number: int) -> Any:
    return (await shop.ask("GET", f"/jobs/{number}")).json()


async def balance(shop: Shop, member: str) -> int:
    found: int = (await shop.ask("GET", f"/loyalty/{member}/balance")).json()["balance"]
    return found


async def test_a_file_does_what_its_check_says_and_counts_once(shop: Shop) -> None:
    lead = shop.person("lead", sub="mary")
    csv = HEADER + "ann,50,late,Sorry,k1\nbob,-3,twice,,k2\nnobody,7,?,,k3\nann,5,late,,k4\n"
    seen = await corrected(shop, csv, check=1, token=lead)
    assert seen["checked"] == {
        "title": "late-parcels.csv",
        "rows": 4,
        "customers": 2,
        "given": 55,
        "taken": 3,
        "unknown": 1,
        "unknown_rows": [3],
        "before": 0,
        "doubles": 1,
        "above": 0,
        "lapsed": 0,
        "largest": [{"member": 0, "points": 50}, {"member": 0, "points": 5}, {"member": 1, "points": -3}],
    }
    assert not seen["needs_approval"]
    assert await balance(shop, "ann") == 10
    started = await corrected(shop, csv, token=lead)
    assert (started["state"], started["digest"]) == ("ready", seen["digest"])
    await run_jobs(shop)
    done = await job(shop, started["number"])
    assert (done["state"], done["done"], done["total"]) == ("done", 4, 4)
    assert done["tally"] == {"made": 3, "before": 0, "refused": 1, "given": 55, "taken": 3, "parts": 1}
    assert [await balance(shop, member) for member in ("ann", "bob")] == [65, 7]
    file = await shop.ask("GET", f"/jobs/{done['number']}/file", token=lead)
    assert file.text == "row,why\n3,There is no such customer.\n"
    again = await corrected(shop, csv, check=1, token=lead)
    assert again["checked"]["before"] == 3
    repeated = await corrected(shop, csv, token=lead)
    await run_jobs(shop)
    assert (await job(shop, repeated["number"]))["tally"]["before"] == 3
    assert await balance(shop, "ann") == 65
    entry = (await shop.ask("GET", "/members/number/0/timeline?kinds=adjust")).json()["entries"][0]
    assert (entry["actor"], entry.get("note", "")) == ("person:mary", "")


async def test_another_file_than_was_checked_is_not_done(one_shop: Shop) -> None:
    seen = await corrected(one_shop, HEADER + "ann,50,late,,k1\n", check=1)
    body = {"name": "f.csv", "csv": HEADER + "ann,51,late,,k1\n", "digest": seen["digest"]}
    check_problem(await one_shop.ask("POST", "/corrections", json=body), 409, "conflict")


@pytest.mark.parametrize(
    "csv",
    [
        "",
        "member_id\nann\n",
        "member_id,points\nann,five\n",
        "member_id,points\nann,1.5\n",
        "member_id,points\nann\n",
        'member_id,points\nann,"5\n',
        "member_id,points,colour\nann,5,red\n",
        "member_id,points,reason\nann,5,4111 1111 1111 1111\n",
        "member_id,points\n,5\n",
    ],
)
async def test_a_file_that_cannot_be_taken_is_refused_in_one_line(one_shop: Shop, csv: str) -> None:
    answer = await one_shop.ask("POST", "/corrections?check=1", json={"name": "f.csv", "csv": csv})
    [error] = check_problem(answer, 422, "invalid-input")["errors"]
    assert error["field"] == "csv"
    assert "\n" not in error["message"].strip()
    assert error["message"].startswith("f.csv")


@pytest.mark.parametrize(
    "csv",
    ["\ufeffmember_id;points;reason\r\nann;5;sp\u00e4t\r\n", "member_id\tpoints\treason\nann\t5\tsp\u00e4t\n"],
    ids=["excel", "tabs"],
)
async def test_a_file_as_spreadsheets_write_it_is_read(one_shop: Shop, csv: str) -> None:
    assert (await corrected(one_shop, csv, check=1))["checked"]["given"] == 5


async def test_a_large_file_needs_a_second_person(shop: Shop) -> None:
    lead, other = shop.person("lead", sub="mary"), shop.person("lead", sub="aoife")
    rows = "".join(f"ann,1,late,,k{n}\n" for n in range(rights.MOST_ROWS_ALONE + 1))
    assert (await corrected(shop, HEADER + rows, check=1, token=lead))["needs_approval"]
    started = await corrected(shop, HEADER + rows, token=lead)
    assert started["state"] == "proposed"
    await run_jobs(shop)
    assert await balance(shop, "ann") == 10
    path = f"/proposals/{started['number']}"
    seen = (await shop.ask("GET", path, token=other)).json()
    assert seen["effects"] == []
    said = {"digest": seen["job"]["digest"], "preview": seen["preview"]}
    check_problem(await shop.ask("POST", f"{path}/approve", json=said, token=lead), 403, "not-allowed")
    assert (await shop.ask("POST", f"{path}/approve", json=said, token=other)).status_code == 200
    await run_jobs(shop)
    assert await balance(shop, "ann") == 10 + rights.MOST_ROWS_ALONE + 1


async def proposal(shop: Shop, token: str, points: int = 600, key: str = "p1") -> Any:
    body = {"proposal_id": key, "member_id": "ann", "loyalty-points": points, "reason": "ticket 7", "note": "Sorry"}
    answer = await shop.ask("POST", "/proposals", json=body, token=token)
    assert answer.status_code == 201, answer.text
    return answer.json()["job"]


async def test_a_correction_above_the_limit_is_made_once_by_two(shop: Shop) -> None:
    support, lead = shop.person("support"), shop.person("lead", sub="aoife")
    refused = await shop.ask("POST", "/loyalty/ann", json={"loyalty-points": 600, "reason": "x"}, token=support)
    check_problem(refused, 403, "not-allowed")
    made = await proposal(shop, support)
    assert (await proposal(shop, support))["number"] == made["number"]
    path = f"/proposals/{made['number']}"
    check_problem(await shop.ask("GET", path, token=support), 403, "not-allowed")
    seen = (await shop.ask("GET", path, token=lead)).json()
    [effect] = seen["effects"]
    assert (effect["reason"], effect["effect"]["balance"], effect["effect"]["balance_after"]) == ("ticket 7", 10, 610)
    said = {"digest": made["digest"], "preview": seen["preview"]}
    for _ in range(2):
        assert (await shop.ask("POST", f"{path}/approve", json=said, token=lead)).status_code == 200
        await run_jobs(shop)
        assert await balance(shop, "ann") == 610
    assert (await shop.ask("POST", f"{path}/approve", json=said, token=lead)).json()["state"] == "done"
    entry = (await shop.ask("GET", "/members/number/0/timeline?kinds=adjust")).json()["entries"][0]
    assert entry["actor"] == "person:niamh approved by person:aoife"
    acts = [row["action"] for row in (await shop.ask("GET", "/audit?limit=100")).json()["rows"]]
    assert acts.count("approve_proposal") == 3
    assert acts.count("propose_correction") == 2
    rows = (await shop.ask("GET", "/audit?action=propose_correction")).json()["rows"]
    assert [row["member"] for row in rows] == [0, 0]


async def test_one_person_in_two_roles_is_one_person(shop: Shop) -> None:
    made = await proposal(shop, shop.person("support", sub="niamh"))
    both = shop.person("lead", "approver", "auditor", sub="niamh", name="Another Name")
    seen = (await shop.ask("GET", f"/proposals/{made['number']}", token=both)).json()
    said = {"digest": made["digest"], "preview": seen["preview"]}
    answer = await shop.ask("POST", f"/proposals/{made['number']}/approve", json=said, token=both)
    check_problem(answer, 403, "not-allowed")


async def test_what_changed_since_it_was_seen_is_seen_again(shop: Shop) -> None:
    lead = shop.person("lead", sub="aoife")
    made = await proposal(shop, shop.person("support"))
    path = f"/proposals/{made['number']}"
    stale = (await shop.ask("GET", path, token=lead)).json()
    await shop.ask("POST", "/loyalty/ann", json={"loyalty-points": 1})
    said = {"digest": made["digest"], "preview": stale["preview"]}
    check_problem(await shop.ask("POST", f"{path}/approve", json=said, token=lead), 409, "conflict")
    fresh = (await shop.ask("GET", path, token=lead)).json()
    assert fresh["effects"][0]["effect"]["balance"] == 11
    said["preview"] = fresh["preview"]
    assert (await shop.ask("POST", f"{path}/approve", json=said, token=lead)).status_code == 200


async def test_who_is_erased_meanwhile_is_corrected_no_more(shop: Shop) -> None:
    lead = shop.person("lead", sub="aoife")
    made = await proposal(shop, shop.person("support"))
    await shop.ask("DELETE", "/members/ann")
    path = f"/proposals/{made['number']}"
    seen = (await shop.ask("GET", path, token=lead)).json()
    assert (seen["checked"]["unknown"], seen["effects"][0]["effect"]) == (1, None)
    said = {"digest": made["digest"], "preview": seen["preview"]}
    await shop.ask("POST", f"{path}/approve", json=said, token=lead)
    await run_jobs(shop)
    assert (await job(shop, made["number"]))["tally"]["refused"] == 1


class Meanwhile(Points):
    """Corrects points; but before that, once, something else happens to members."""

    def __init__(self, shop: Shop, *asked: tuple[str, str, Any]) -> None:
        super().__init__(shop.services.awarder, shop.services.ledger)
        self._shop = shop
        self._asked = [*asked]

    async def adjust_all(self, *some: Any) -> list[Receipt | LaurelsError]:
        while self._asked:
            method, path, body = self._asked.pop(0)
            assert (await self._shop.ask(method, path, json=body)).is_success
        return await super().adjust_all(*some)


@pytest.mark.parametrize("comes_back", [False, True])
async def test_who_is_erased_while_a_job_writes_is_not_brought_back(shop: Shop, *, comes_back: bool) -> None:
    """Its words go with it. Who has the id since is somebody else."""
    lead = shop.person("lead", sub="mary")
    made = await corrected(shop, HEADER + "ann,5,about ann,,k1\nbob,3,late,,k2\no'brien,4,late,,k3\n", token=lead)
    enrol = [("POST", "/members", [{"member_id": "ann"}])] if comes_back else []
    merge: tuple[str, str, Any] = ("POST", "/members/o'brien/merge", {"into": "bob"})
    await run_jobs(shop, Meanwhile(shop, ("DELETE", "/members/ann", None), *enrol, merge))
    done = await job(shop, made["number"])
    assert (done["state"], done["tally"]["made"], done["tally"]["refused"]) == ("done", 2, 1)
    assert await balance(shop, "bob") == 27
    assert (await shop.ask("GET", "/members/ann")).status_code == (200 if comes_back else 404)
    if comes_back:
        assert await balance(shop, "ann") == 0


@pytest.mark.parametrize("erased", ["ann", "bob"])
async def test_words_about_whoever_became_another_go_with_both(shop: Shop, tmp_path: Path, erased: str) -> None:
    """And a neighbour's stay; of what is nobody's, none were kept."""
    support, lead = shop.person("support"), shop.person("lead", sub="aoife")
    made = await proposal(shop, support)
    rows = (
        "ann,2,words of ann,note of ann,k1\nbob,2,words of bob,,k2\no'brien,2,stays,,k3\nnobody,2,words of nobody,,k4\n"
    )
    many = "".join(f"o'brien,1,stays,,m{n}\n" for n in range(1001))
    started = await corrected(shop, HEADER + rows + many, token=lead)
    assert started["state"] == "proposed"
    await shop.ask("POST", "/members/ann/merge", json={"into": "bob"})
    assert (await shop.ask("DELETE", f"/members/{erased}")).is_success
    for number in (made["number"], started["number"]):
        content = await shop.services.ledger.job_content(number)
        assert content is not None
        assert not re.search(rb"(words|note) of|ticket|Sorry|\"(p1|k[124])\"", content)
        assert content.count(b'"stays"') == (1002 if number == started["number"] else 0)


async def test_words_that_come_while_their_member_is_erased_are_not_kept(shop: Shop) -> None:
    """The file was read before that, and the job is there after it."""
    ledger = shop.services.ledger
    found = await read_corrections(ledger, "f.csv", HEADER + "ann,2,words of ann,note of ann,k1\nbob,2,stays,,k2\n")
    new = NewJob(kind=CORRECTIONS, actor="mary", digest="d1", about=b"{}", content=msgspec.json.encode(found))
    assert (await shop.ask("DELETE", "/members/ann")).is_success
    content = await ledger.job_content((await add_corrections(ledger, new)).number)
    assert content is not None
    assert (b"of ann" in content, b"stays" in content) == (False, True)
    assert (b'"k1"' in content, b'"k2"' in content) == (False, True)


async def test_nobody_sees_the_jobs_of_others(shop: Shop) -> None:
    made = await proposal(shop, shop.person("support", sub="niamh"))
    seen_by = {
        ("support", "niamh"): True,
        ("support", "conor"): False,
        ("lead", "aoife"): True,
        ("operator", "oisin"): True,
        ("auditor", "una"): True,
        ("program", "pat"): False,
    }
    for (role, sub), sees in seen_by.items():
        token = shop.person(role, sub=sub)
        listed = (await shop.ask("GET", "/jobs", token=token)).json()["jobs"]
        assert [each["number"] for each in listed] == ([made["number"]] if sees else []), role
        answer = await shop.ask("GET", f"/jobs/{made['number']}", token=token)
        assert answer.status_code == (200 if sees else 404), role
    stop = f"/jobs/{made['number']}/stop"
    check_problem(await shop.ask("POST", stop, token=shop.person("lead", sub="aoife")), 403, "not-allowed")
    assert (await shop.ask("POST", stop, token=shop.person("support", sub="niamh"))).json()["state"] == "stopped"


async def test_pages_of_jobs_name_each_once(shop: Shop) -> None:
    made = [(await proposal(shop, shop.person("support"), key=f"p{n}"))["number"] for n in range(7)]
    for limit in (1, 2, 3, 7, 8):
        found: list[int] = []
        path = f"/jobs?limit={limit}"
        while path:
            page = (await shop.ask("GET", path, token=shop.person("support"))).json()
            assert page["jobs"], "none is empty"
            found += [each["number"] for each in page["jobs"]]
            path = f"/jobs?limit={limit}&before={page['next']}" if page["next"] else ""
        assert found == made[::-1]


async def test_what_is_in_quarantine_is_tried_by_its_cause(shop: Shop) -> None:
    for order_id in ("U1", "U2"):
        await shop.order(order_id, "ann", "25.00", currency="USD")
    refund = {"refund_id": "R1", "member_id": "bob", "currency": "GBP", "amount": "5.00"}
    await shop.ask("POST", "/order/A0/refund", json=refund)
    await shop.settle()
    assert len((await shop.ask("GET", "/quarantine")).json()["documents"]) == 3
    unknown = await shop.ask("POST", "/jobs", json={"kind": "retry", "cause": "curency"})
    assert fields_at_fault(unknown) == ["cause"], "nothing waits for that, so that all would seem to be tried"
    assert fields_at_fault(await shop.ask("GET", "/quarantine?cause=curency")) == ["cause"]
    started = (await shop.ask("POST", "/jobs", json={"kind": "retry", "cause": "currency"})).json()
    await run_jobs(shop)
    assert (await job(shop, started["number"]))["tally"]["retried"] == 2
    assert len((await shop.ask("GET", "/quarantine")).json()["documents"]) == 1


async def test_checks_and_roll_ups_are_jobs(shop: Shop) -> None:
    verify = (await shop.ask("POST", "/jobs", json={"kind": "verify"}, token=shop.person("operator"))).json()
    anew = (await shop.ask("POST", "/jobs", json={"kind": "roll-ups"}, token=shop.person("operator"))).json()
    await run_jobs(shop)
    checked, counted = await job(shop, verify["number"]), await job(shop, anew["number"])
    assert (checked["state"], checked["tally"]["findings"], checked["file"]) == ("done", 0, False)
    assert counted["tally"]["counted"] == checked["tally"]["checked"]
    months = (await shop.ask("GET", "/reports/movement")).json()
    assert [each["points"] for each in months["closing"]] == [30]


async def test_a_rehearsal_is_a_job(shop: Shop) -> None:
    started = (await shop.ask("POST", "/jobs", json={"kind": "rehearsal", "program": "1"})).json()
    missing = (await shop.ask("POST", "/jobs", json={"kind": "rehearsal", "program": "99"})).json()
    await run_jobs(shop)
    done = await job(shop, started["number"])
    assert (done["state"], done["tally"]["rehearsal"]["alike"]) == ("done", 3)
    failed = await job(shop, missing["number"])
    assert (failed["state"], failed["tally"]) == ("failed", {})
    assert "99" in failed["error"]


async def test_the_period_of_a_job_is_told_as_it_was_asked_for(shop: Shop) -> None:
    """Kept in microseconds, told in RFC 3339, in what is to be done and in what came of it."""
    period = {"from": "2026-01-01T00:00:00Z", "to": "2026-07-01T12:00:00.25Z"}
    started = (await shop.ask("POST", "/jobs", json={"kind": "rehearsal", "program": "1", **period})).json()
    assert (started["about"]["begins"], started["about"]["ends"]) == tuple(period.values())
    await run_jobs(shop)
    done = await job(shop, started["number"])
    assert done["about"] == started["about"]
    assert {name: done["tally"]["rehearsal"][name] for name in ("begins", "ends")} == {
        "begins": period["from"],
        "ends": period["to"],
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "rehearsal"}, "program"),
        ({"kind": "verify", "program": "1"}, "program"),
        ({"kind": "retry", "from": "2026-01-01T00:00:00Z"}, "from"),
        ({"kind": "rehearsal", "program": "1", "from": "yesterday"}, "from"),
    ],
)
async def test_what_has_no_effect_is_refused(one_shop: Shop, body: dict[str, str], field: str) -> None:
    answer = await one_shop.ask("POST", "/jobs", json=body)
    assert [error["field"] for error in check_problem(answer, 422, "invalid-input")["errors"]] == [field]


@pytest.mark.parametrize("role", ["viewer", "support", "lead", "program", "approver", "finance", "auditor"])
async def test_checks_are_started_by_operators(one_shop: Shop, role: str) -> None:
    answer = await one_shop.ask("POST", "/jobs", json={"kind": "verify"}, token=one_shop.person(role))
    check_problem(answer, 403, "not-allowed")


async def test_what_jobs_keep_names_nobody(shop: Shop, tmp_path: Path) -> None:
    """No id of a customer, so that an erasure has nothing to look for there."""
    await corrected(shop, HEADER + "o'brien,50,late,,k1\n")
    ledger = shop.services.ledger
    [kept] = await ledger.jobs()
    content = await ledger.job_content(kept.number)
    assert content is not None
    assert b"o'brien" not in content + kept.about
    await run_jobs(shop)
    assert await ledger.job_content(kept.number) is None


@pytest.mark.parametrize(
    ("path", "csv"), [("/corrections", HEADER + "ann,5,late,,k1\n"), ("/erasures", "member_id\nann\n")]
)
async def test_the_name_of_a_file_goes_with_its_job(shop: Shop, tmp_path: Path, path: str, csv: str) -> None:
    """It may be a customer's. The same file by another name is the same; no digest tells by what name it came."""
    lead = shop.person("lead", sub="mary")
    started = [
        (await shop.ask("POST", path, json={"name": name, "csv": csv}, token=lead)).json()
        for name in ("ann@mail.example.csv", "other.csv")
    ]
    assert started[0] == started[1]
    number = started[0]["number"]
    assert b"ann@mail.example.csv" in (await shop.services.ledger.job_content(number) or b"")
    await run_jobs(shop)
    assert (await job(shop, number))["state"] == "done"
    assert "mail.example" not in (await shop.ask("GET", f"/jobs/{number}", token=lead)).text
    assert await shop.services.ledger.job_content(number) is None
    kept = await shop.services.ledger.job(number)
    assert kept is not None
    assert b"mail.example" not in kept.about


async def test_what_a_job_gave_is_let_go_of_after_a_week(shop: Shop) -> None:
    started = await corrected(shop, HEADER + "nobody,50,late,,k1\n")
    await run_jobs(shop)
    path = f"/jobs/{started['number']}/file"
    assert (await shop.ask("GET", path)).status_code == 200
    await shop.services.ledger.forget_jobs(before=shop.services.now() + DAY)
    check_problem(await shop.ask("GET", path), 404, "not-found")
