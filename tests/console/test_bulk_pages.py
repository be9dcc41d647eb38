"""A file of corrections, and what needs two people, on the pages: without a script."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.console.console_shop import ConsoleShop, Visitor, open_console_shop
from tests.console.test_jobs import balance, run_jobs

pytestmark = pytest.mark.anyio

CSV = "member_id,points,reason,note,adjustment_id\nann,50,late,=HYPERLINK(1),k1\nbob,5,late,,k2\nnobody,7,late,,k3\n"


@pytest.fixture
async def console(tmp_path: Path, ledger: str | None) -> AsyncIterator[ConsoleShop]:
    async with open_console_shop(tmp_path, ledger_url=ledger) as console:
        yield console


async def upload(visitor: Visitor, content: bytes, name: str = "late.csv") -> str:
    await visitor.open("/corrections")
    fields = {"_csrf_token": visitor.fields("/corrections")["_csrf_token"]}
    files = {"file": (name, content, "text/csv")}
    visitor.page = await visitor.client.post("/corrections", data=fields, files=files)
    return visitor.page.text


async def send_checked(visitor: Visitor) -> None:
    """Press the button of the check, as a browser without scripts does: line ends and all."""
    fields = {name: value.replace("\n", "\r\n") for name, value in visitor.fields("/corrections").items()}
    parts = {name: (None, value) for name, value in {**fields, "step": "do"}.items()}
    visitor.page = await visitor.client.post("/corrections", files=parts)


async def test_a_file_is_checked_made_and_told(console: ConsoleShop) -> None:
    mary = await console.signed_in("lead", name="mary")
    text = await upload(mary, CSV.encode())
    assert "3 rows of 2 customers: 55 points given, 0 taken." in text
    assert "1 row names a customer who is not known, such as row 3: left out." in text
    assert "Make 2 corrections" in text
    before = await balance(console.shop, "ann")
    await send_checked(mary)
    await run_jobs(console.shop)
    page = await mary.follow()
    assert "2 corrections were made: 55 points given, 0 taken." in page.text
    assert "1 row was not made; the file says why." in page.text
    assert await balance(console.shop, "ann") == before + 50
    file = await mary.open(f"{page.url.path}/file")
    assert file.headers["content-disposition"].startswith("attachment")
    assert file.text == "row,why\n3,There is no such customer.\n"
    assert "2 rows were here before, and will not count again." in await upload(mary, CSV.encode())


async def test_the_same_file_again_says_so(console: ConsoleShop) -> None:
    mary = await console.signed_in("lead", name="mary")
    rows = CSV.rsplit("nobody", maxsplit=1)[0].encode()
    await upload(mary, rows)
    await send_checked(mary)
    await run_jobs(console.shop)
    text = await upload(mary, rows)
    assert "All of it was here before: nothing would change." in text
    assert 'value="do"' not in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"member_id,points\nann,\xe9\n", "is not UTF-8. Save it as"),
        (b"member_id,points\nann,five\n", "must be a whole number"),
        (b"member_id;points\r\nann;1.000\r\n", "&#34;1.000&#34; may be 1 or 1000: write it without a point"),
        (b"member_id;points\r\nann;-250.000\r\n", "may be -250 or -250000: write it without a point"),
        (b"PK\x03\x04", "late.csv"),
        pytest.param(
            b"member_id,points\n" + b"ann,five\n" * 200_001, "has 200,001 rows", id="too many, none of them read"
        ),
    ],
)
async def test_what_cannot_be_read_is_said_in_one_line(console: ConsoleShop, content: bytes, said: str) -> None:
    text = await upload(await console.signed_in("lead", name="mary"), content)
    assert said in text
    assert "Nothing was changed." in text


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (b"Member_ID,points,reason", "has a column Member_ID that is not known; the nearest known: member_id Nothing"),
        (b"member_id,points,reasn", "has a column reasn that is not known; the nearest known: reason Nothing"),
        (b"member_id,points,", "has a column without a name, number 3"),
    ],
)
async def test_a_page_tells_of_no_options_of_a_command(console: ConsoleShop, columns: bytes, said: str) -> None:
    text = await upload(await console.signed_in("lead", name="mary"), columns + b"\nann,5,late\n")
    assert said in text
    assert "--map" not in text
    assert "--ignore" not in text


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16"])
async def test_a_file_of_a_spreadsheet_is_read(console: ConsoleShop, coding: str) -> None:
    content = "member_id;points;reason\r\nann;5;sp\u00e4t\r\n".encode(coding)
    assert "1 row of 1 customer: 5 points given" in await upload(await console.signed_in("lead", name="mary"), content)


async def test_one_point_is_one(console: ConsoleShop) -> None:
    text = await upload(await console.signed_in("lead", name="mary"), b"member_id,points,reason\nann,1.0,late\n")
    assert "1 row of 1 customer: 1 point given, 0 taken." in text


async def test_no_file_chosen_is_said(console: ConsoleShop) -> None:
    mary = await console.signed_in("lead", name="mary")
    await mary.open("/corrections")
    page = await mary.send("/corrections")
    assert (page.status_code, "Choose a file." in page.text) == (422, True)


async def test_above_the_limit_another_person_is_asked(console: ConsoleShop) -> None:
    niamh, aoife = await console.signed_in("support"), await console.signed_in("lead", name="aoife")
    await niamh.open("/customers/0/correct")
    page = await niamh.send("/customers/0/correct", {"points": "600", "reason": "ticket 7", "step": "check"})
    assert "Ask for approval to give 600 points to ann" in page.text
    assert "Your role corrects up to 500 points at once." in page.text
    before = await balance(console.shop, "ann")
    await niamh.send("/customers/0/correct", {"step": "ask"})
    page = await niamh.follow()
    assert "Waits for the approval of another person" in page.text
    waiting = await aoife.open("/proposals")
    assert "+600" in waiting.text
    number = page.url.path.rpartition("/")[2]
    await aoife.open(f"/proposals/{number}")
    await console.shop.ask("POST", "/loyalty/ann", json={"loyalty-points": 1})
    stale = await aoife.send(f"/proposals/{number}", {"step": "approve"})
    assert (stale.status_code, "has changed since you looked" in stale.text) == (409, True)
    await aoife.send(f"/proposals/{number}", {"step": "approve"})
    await run_jobs(console.shop)
    assert await balance(console.shop, "ann") == before + 601
    assert "Done" in (await aoife.follow()).text
    customer = await niamh.open("/customers/0?show=corrections")
    assert "by you, approved by aoife" in customer.text


async def test_a_proposal_of_ones_own_offers_no_button(console: ConsoleShop) -> None:
    mary = await console.signed_in("lead", name="mary")
    await mary.open("/customers/0/correct")
    await mary.send("/customers/0/correct", {"points": "6000", "reason": "ticket 7", "step": "check"})
    await mary.send("/customers/0/correct", {"step": "ask"})
    number = (await mary.follow()).url.path.rpartition("/")[2]
    page = await mary.open(f"/proposals/{number}")
    assert "another person has to approve it" in page.text
    assert 'value="approve"' not in page.text
    refused = await mary.client.post(
        f"/proposals/{number}", data={**mary.fields(f"/proposals/{number}"), "step": "approve"}
    )
    assert refused.status_code == 403
    await mary.open(f"/jobs/{number}")
    await mary.send(f"/jobs/{number}/stop")
    assert "Stopped" in (await mary.follow()).text


async def test_an_operator_starts_a_check(console: ConsoleShop) -> None:
    oisin = await console.signed_in("operator", name="oisin")
    assert "No job yet." in (await oisin.open("/jobs")).text
    await oisin.send("/jobs", {"kind": "verify"})
    assert "Waits for its turn" in (await oisin.follow()).text
    await run_jobs(console.shop)
    page = await oisin.open(oisin.page.url.path if oisin.page else "/jobs")
    assert "All is as it should be." in page.text
    assert "Check of the ledger" in (await oisin.open("/jobs")).text


async def test_many_rows_pass_through_the_page(console: ConsoleShop) -> None:
    mary = await console.signed_in("lead", name="mary")
    rows = "".join(f"bob,1,a reason of the usual length,,k{n}\n" for n in range(20_000))
    text = await upload(mary, ("member_id,points,reason,note,adjustment_id\n" + rows).encode())
    assert "Ask for approval of 20,000 corrections" in text
    await send_checked(mary)
    assert "Waits for the approval of another person" in (await mary.follow()).text
