"""Erasing many customers from a file: by two people, exact wherever it is killed; and nothing of them is left."""

from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any

import pytest
from tests.console.console_shop import ConsoleShop, Visitor, open_console_shop
from tests.console.test_exports import lease_ends
from tests.console.test_jobs import run_jobs
from tests.integration.http_shop import check_problem

from laurels.jobs import JobRunner, erasures
from laurels.jobs.steps import LostJob

pytestmark = pytest.mark.anyio

MEMBERS = [f"gone{n}" for n in range(6)]
CSV = "\n".join(["member_id", *MEMBERS, "nobody", MEMBERS[0], ""]).encode()


@pytest.fixture
async def console(tmp_path: Path, ledger: str | None) -> AsyncIterator[ConsoleShop]:
    async with open_console_shop(tmp_path, **({"ledger_url": ledger} if ledger else {})) as console:
        yield console


async def enrolled(console: ConsoleShop) -> None:
    body = [{"member_id": each, "email": f"{each}@example.com"} for each in MEMBERS]
    assert (await console.shop.ask("POST", "/members", json=body)).is_success


async def uploaded(visitor: Visitor, content: bytes) -> str:
    await visitor.open("/erasures")
    fields = {"_csrf_token": visitor.fields("/erasures")["_csrf_token"]}
    files = {"file": ("gone.csv", content, "text/csv")}
    visitor.page = await visitor.client.post("/erasures", data=fields, files=files)
    return visitor.page.text


async def asked_for(console: ConsoleShop, mary: Visitor) -> str:
    """The number of the proposal that the page makes."""
    await enrolled(console)
    await uploaded(mary, CSV)
    await mary.send("/erasures", {"step": "do"})
    return (await mary.follow()).url.path.rpartition("/")[2]


async def states(console: ConsoleShop) -> list[int]:
    return [(await console.shop.ask("GET", f"/members/{each}")).status_code for each in MEMBERS]


async def test_a_file_is_checked_asked_for_and_done_when_another_approves(console: ConsoleShop) -> None:
    await enrolled(console)
    mary, aoife = await console.signed_in("lead", name="mary"), await console.signed_in("lead", name="aoife")
    text = await uploaded(mary, CSV)
    assert "6 customers are erased, for good." in text
    assert "1 row names nobody who is known, such as row 7" in text
    assert "1 row names a customer a second time." in text
    assert "Ask for approval to erase 6 customers" in text
    await mary.send("/erasures", {"step": "do"})
    page = await mary.follow()
    number = page.url.path.rpartition("/")[2]
    assert "Erasure of 6 customers" in page.text
    assert "gone.csv" not in page.text
    own = await mary.open(f"/proposals/{number}")
    assert 'value="approve"' not in own.text
    refused = await mary.client.post(f"/proposals/{number}", data={**mary.fields("/"), "step": "approve"})
    assert refused.status_code in {403, 409, 422}
    page = await aoife.open(f"/proposals/{number}")
    assert "From the file gone.csv." in page.text
    assert "6 customers are erased, for good" in page.text
    await console.shop.ask("DELETE", f"/members/{MEMBERS[5]}")
    stale = await aoife.send(f"/proposals/{number}", {"step": "approve"})
    assert (stale.status_code, "has changed since you looked" in stale.text) == (409, True)
    assert "5 customers are erased, for good" in stale.text
    assert await states(console) == [200] * 5 + [404], "nothing is done before it is approved"
    await aoife.send(f"/proposals/{number}", {"step": "approve"})
    await run_jobs(console.shop)
    assert await states(console) == [404] * 6
    assert "6 customers are erased." in (await aoife.follow()).text
    kept = [(await console.shop.ask("GET", f"/jobs/{number}")).text, (await mary.open(f"/proposals/{number}")).text]
    assert not [each for each in MEMBERS for text in kept if each in text], "the job names nobody"


@pytest.mark.long
@pytest.mark.parametrize("after", [1, 3])
async def test_killed_between_it_erases_each_once(
    console: ConsoleShop, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Killed behind an erasure and before it was noted, it is not made twice."""
    monkeypatch.setattr(erasures, "AT_ONCE", 1)
    mary = await console.signed_in("lead", name="mary")
    number = int(await asked_for(console, mary))
    services, ledger = console.shop.services, console.shop.services.ledger
    job = await ledger.job(number)
    assert job is not None
    await ledger.decide_job(number, job.digest, actor="person:aoife", approve=True)
    before = sum(mark.position for mark in (await ledger.heads()).marks.values())
    noted, count = ledger.note_job, 0

    async def dies(*args: Any, **named: Any) -> bool | None:
        nonlocal count
        count += 1
        if count == after:
            raise LostJob
        return await noted(*args, **named)

    with monkeypatch.context() as here:
        here.setattr(ledger, "note_job", dies)
        runner = JobRunner(ledger, services.points, services.members, services.intake, services.programs)
        assert await runner.step()
    await lease_ends(console, monkeypatch)
    await run_jobs(console.shop)
    assert await states(console) == [404] * 6
    assert sum(mark.position for mark in (await ledger.heads()).marks.values()) == before + 6


async def test_who_was_given_an_id_meanwhile_stays(console: ConsoleShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file named who had the id then: whoever enrolled with it since keeps points, words and mails."""
    await enrolled(console)
    shop, ledger = console.shop, console.shop.services.ledger
    body = {"name": "gone.csv", "csv": f"member_id\n{MEMBERS[0]}\n{MEMBERS[1]}\n"}
    assert (await shop.ask("POST", "/erasures", json=body)).json()["state"] == "ready"
    known_as, turns = ledger.known_as, 0

    async def others_come(numbers: Collection[int]) -> dict[int, tuple[str, int]]:
        nonlocal turns
        found, turns = await known_as(numbers), turns + 1
        if turns == 1:
            for told in (
                await shop.ask("DELETE", f"/members/{MEMBERS[0]}"),
                await shop.order("new-1", MEMBERS[0], "2000.00", email="new@example.com"),
                await shop.ask("POST", f"/members/{MEMBERS[1]}/merge", json={"into": MEMBERS[2]}),
            ):
                assert told.is_success, told.text
            await shop.settle()
        return found

    with monkeypatch.context() as here:
        here.setattr(ledger, "known_as", others_come)
        await run_jobs(shop)
    assert await states(console) == [200, 404, 404, 200, 200, 200]
    assert (await shop.ask("GET", f"/loyalty/{MEMBERS[0]}/balance")).json()["balance"] == 200
    assert [each.state for each in await ledger.messages(MEMBERS[0])] == ["due"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Choose a file."),
        (b"id\nann\n", "has to begin with the line member_id"),
        (b"member_id,points\nann,5\n", "has to begin with the line member_id"),
        (b"member_id\n", "names 0 customers"),
        (b"member_id\nann\n\x07\n", "row 2"),
        (b"member_id\n\xe9\n", "is not UTF-8"),
    ],
)
async def test_what_cannot_be_read_is_said_in_one_line(console: ConsoleShop, content: bytes, said: str) -> None:
    text = await uploaded(await console.signed_in("lead", name="mary"), content)
    assert said in text
    assert "Nothing was changed." in text


async def test_it_is_for_leads_and_one_customer_needs_nobody_else(console: ConsoleShop) -> None:
    await enrolled(console)
    shop = console.shop
    body = {"name": "gone.csv", "csv": f"member_id\n{MEMBERS[0]}\n"}
    check_problem(await shop.ask("POST", "/erasures", json=body, token=shop.person("support")), 403, "not-allowed")
    mary = shop.person("lead", sub="mary")
    assert (await shop.ask("POST", "/erasures", json=body, token=mary)).json()["state"] == "ready"
    other = {**body, "digest": "0" * 64}
    check_problem(await shop.ask("POST", "/erasures", json=other, token=mary), 409, "conflict")
    seen = (await shop.ask("POST", "/erasures?check=1", json={"name": "f", "csv": CSV.decode()})).json()
    assert not seen["needs_approval"], "a service's system decides by itself"
