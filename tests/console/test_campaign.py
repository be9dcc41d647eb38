"""One campaign's page: what was ordered while it ran and before, beside a slow twin that counts day by day."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.console.console_shop import open_console
from tests.integration.http_shop import open_shop

from laurels.console.views.campaign import MOST_DAYS, CampaignRun, run_of
from laurels.model import Amendment, Order
from laurels.model.times import from_datetime
from laurels.rollups import RollingUp

pytestmark = pytest.mark.anyio

LONDON = ZoneInfo("Europe/London")
MOMENTS = st.integers(-366, 31 * 366).map(lambda n: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(hours=n * 23))

PROGRAM = """version = 1
[earn]
points = 1
per = { GBP = "1.00" }
rounding = "floor"
[[campaigns]]
name = "double & dairy"
from = "2026-06-11T00:00"
until = "2026-06-21T00:00"
multiply = "2"
budget = 4000
holdout = "5%"
[[campaigns]]
name = "always"
points = 1
[[campaigns]]
name = "to come"
from = "2030-01-01T00:00"
points = 1
"""


@given(st.none() | MOMENTS, st.none() | MOMENTS, st.dates(date(2000, 1, 1), date(2030, 12, 31)))
def test_days_are_compared_that_were_its_own_whole_and_over(
    starts: datetime | None, ends: datetime | None, today: date
) -> None:
    run = run_of(
        {"from": starts and starts.isoformat(), "until": ends and ends.isoformat()}, today, ZoneInfo("Europe/London")
    )
    begins = None if starts is None or starts.astimezone(LONDON).year < 2000 else starts
    day, own = date(1999, 1, 1), []
    while begins is not None and day < today:
        midnight, next_one = (
            datetime.combine(day + timedelta(days=n), datetime.min.time(), LONDON).astimezone(UTC) for n in (0, 1)
        )
        if midnight >= begins and (ends is None or next_one <= ends):
            own.append(day)
        day += timedelta(days=1)
    own = own[:MOST_DAYS]
    if not own:
        assert run is None
        return
    assert run is not None
    assert [run.first + timedelta(days=n) for n in range(run.days)] == own
    assert (run.first - run.before).days == len(own)


def test_days_are_compared_that_have_orders_and_no_others() -> None:
    run = CampaignRun(date(2026, 6, 1), date(2026, 6, 11), date(2026, 6, 21))
    for begins, days_before, days in ((1, 9, 10), (3, 7, 10), (9, 1, 10), (10, 0, 10), (14, 0, 6)):
        known = run.known(date(2026, 6, begins))
        assert known is not None
        assert (known.days_before, known.days) == (days_before, days), begins
    assert run.known(date(2026, 5, 31)) == run
    assert run.known(date(2026, 6, 20)) is None


async def test_a_campaigns_page_has_its_days_and_those_before(tmp_path: Path, ledger: str | None) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(PROGRAM)
    async with (
        open_shop(tmp_path / "state", ledger_url=ledger, program_file=rules) as shop,
        open_console(shop) as console,
    ):
        orders = []
        for n, (day, total) in enumerate(
            [("2026-05-20", 700), ("2026-06-02", 1_000), ("2026-06-12", 3_000), ("2026-06-20", 1_000)]
        ):
            at = from_datetime(datetime.fromisoformat(f"{day}T12:00:00+00:00"))
            orders.append(
                Order(
                    source="shop", order_id=f"O{n}", member_id="ann", currency="GBP", total=total * 10, occurred_at=at
                )
            )
        await shop.services.ledger.accept([each.document() for each in orders])
        await shop.services.awarder.drain()
        visitor = await console.signed_in("program")
        page = await visitor.open("/campaigns/one?campaign=double+%26+dairy")
        assert "Nothing was ordered on any of these days." in page.text
        changed = Amendment(revision=1, order=replace(orders[2], total=30_000 + 100))
        again = Amendment(revision=2, order=orders[2])
        for each in (changed, again):  # an order that was changed is one order all the same
            await shop.services.ledger.accept([each.document()])
            await shop.services.awarder.drain()
        await RollingUp(shop.services.ledger, shop.services.programs.current.zone).reach()
        assert "/campaigns/one?campaign=double+%26+dairy" in (await visitor.open("/campaigns")).text
        page = await visitor.open("/campaigns/one?campaign=double+%26+dairy")
        assert page.status_code == 200
        assert (
            "from 11 Jun 2026 to 20 Jun 2026, net of refunds, beside as many days "
            "before, from 1 Jun 2026 on; figures are for one day." in page.text
        )
        for figures in (("0.1", "10.00 GBP"), ("0.2", "40.00 GBP")):
            assert '<td class="figure">{}</td><td class="figure">{}</td>'.format(*figures) in page.text
        assert "5% of the customers are held out of it" in page.text
        for name, said in (("always", "It has no beginning"), ("to come", "There is no whole day of it yet")):
            assert said in (await visitor.open(f"/campaigns/one?campaign={name.replace(' ', '+')}")).text
        assert (await visitor.open("/campaigns/one?campaign=nothing")).status_code == 404
        assert (await visitor.open("/campaigns/one")).status_code == 404
        assert (await (await console.signed_in("support")).open("/campaigns/one?campaign=always")).status_code == 403


async def test_a_later_version_does_not_make_a_campaign_begin_anew(tmp_path: Path, ledger: str | None) -> None:
    """Another campaign is published in between, another one is left out and comes back."""
    rules = tmp_path / "rules.toml"
    rules.write_text(PROGRAM)
    async with (
        open_shop(tmp_path / "state", ledger_url=ledger, program_file=rules) as shop,
        open_console(shop) as console,
    ):
        visitor = await console.signed_in("program")
        more = '[[campaigns]]\nname = "another"\npoints = 5\n'
        without = PROGRAM.replace('name = "always"', 'name = "other"')
        for version, text in enumerate((PROGRAM + more, without, PROGRAM), 2):
            await shop.services.ledger.publish(
                version, text.replace("version = 1", f"version = {version}"), None, actor="test"
            )
            page = (await visitor.open("/campaigns/one?campaign=double+%26+dairy")).text
            assert "All orders of 10 whole days, from 11 Jun 2026 to 20 Jun 2026" in page
            said = (await visitor.open("/campaigns/one?campaign=always")).text
            if version == 2:
                assert "It has no beginning" in said
            if version == 4:
                assert "There is no whole day of it yet" in said
