"""The real year on the pages: a rehearsal whose figures were computed apart from this project, approved by another, and
in force at its instant.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.acceptance.command_line import laurels
from tests.console.console_shop import ConsoleShop
from tests.console.test_jobs import run_jobs
from tests.integration.http_shop import open_shop

from laurels import clock
from laurels.clock import HOUR, SECOND
from laurels.console import client_of
from laurels.http.admission.person_tokens import PersonTokens, console_key, cookie_secret
from laurels.program import DEFAULT_PROGRAM

pytestmark = [pytest.mark.anyio, pytest.mark.long, pytest.mark.timeout(900)]

LONDON = ZoneInfo("Europe/London")


async def test_the_year_is_rehearsed_approved_and_in_force(data_dir: Path, tmp_path: Path) -> None:
    done = laurels(
        "import", data_dir / "online_retail.parquet", "--preset", "online-retail", "--state", tmp_path / "state"
    )
    assert done.returncode == 0, done.stderr
    async with open_shop(tmp_path / "state", approval_required=True) as shop:
        key = console_key(shop.services.settings)
        async with client_of(f"http://127.0.0.1:{shop.port}") as api:
            console = ConsoleShop(shop, api, PersonTokens(key, shop.services.now), cookie_secret(key))
            await _rehearse_and_approve(console)


async def _rehearse_and_approve(console: ConsoleShop) -> None:
    shop = console.shop
    niamh, aoife = await console.signed_in("program"), await console.signed_in("approver", name="aoife")
    starts = datetime.fromtimestamp(clock.now() // SECOND, UTC) + timedelta(hours=1)
    text = DEFAULT_PROGRAM.replace("version = 1", f'version = 2\nfrom = "{starts:%Y-%m-%dT%H:%M:%SZ}"')
    await niamh.open("/program")
    await niamh.send("/program", {"text": text.replace("half-up", "carry", 1)})
    digest = (await niamh.follow()).url.path.rpartition("/")[2]
    await niamh.send(f"/program/{digest}/rehearse")
    await run_jobs(shop)
    number = (await niamh.follow()).url.path.rpartition("/")[2]
    page = await aoife.open(f"/program/rehearsals/{number}")
    for said in ("178", "2,198", "1,996", "\u221212", "+5", "830,121 \u2192 827,848"):
        assert said in page.text, said
    path = f"/program/{digest}/approve"
    await aoife.open(f"{path}?job={number}")
    await aoife.send(path, {"version": "2"})
    assert "In force from" in (await aoife.follow()).text
    programs = shop.services.programs
    await programs.load(shop.services.ledger)
    at = int(starts.timestamp()) * SECOND
    assert [programs.at(each).version for each in (at - 1, at, at + HOUR)] == [1, 2, 2]
