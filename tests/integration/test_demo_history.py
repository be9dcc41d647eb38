"""The demo's made-up history: a start that broke off goes on where it ended, and nobody is made up twice."""

from pathlib import Path

import pytest

from laurels.ledger import Heads
from laurels.settings import Settings
from laurels.wiring import build
from laurels.workbench.customers import spent_points
from laurels.workbench.demo import history
from laurels.workbench.demo.accounts import ACCOUNTS
from laurels.workbench.demo.history import AT_FIRST, PORTION, History

MEMBERS = 3 * PORTION + 7


@pytest.mark.anyio
async def test_goes_on_where_it_broke_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(state=tmp_path)
    heads: list[Heads] = []
    told: list[int] = []
    for at_first in (PORTION, 2 * PORTION, MEMBERS, MEMBERS):
        monkeypatch.setattr(history, "AT_FIRST", at_first)
        async with build(settings) as services:
            told.clear()
            await History(services, MEMBERS).begin(lambda done, _: told.append(done))
            heads.append(await services.ledger.heads())
            ranked = (await services.projector.catch_up()).version
            assert str(ranked) == str(heads[-1].version)
    # One enrolment and one order each; of the accounts, their orders and one hiding.
    of_cast = sum(1 + len(customer.spent) + customer.hidden for customer in ACCOUNTS)
    assert [head.version.positions[0] for head in heads] == [
        of_cast + 2 * members for members in (PORTION, 2 * PORTION, MEMBERS, MEMBERS)
    ]
    assert told == []


def test_the_best_come_first_and_everybody_has_points() -> None:
    points = [spent_points(rank, 100_000) for rank in range(100_000)]
    assert points == sorted(points, reverse=True)
    assert (points[-1], points[49_999] <= 17, points[0] > points[1] > points[2]) == (2, True, True)


@pytest.mark.parametrize("members", [100_000, 1_000_000])
def test_nobody_of_the_cast_slides_while_the_others_come_in(members: int) -> None:
    best_to_come = spent_points(AT_FIRST, members)
    ranked = [customer for customer in ACCOUNTS if customer.spent and not customer.hidden]
    assert len(ranked) == 3
    for customer in ranked:
        assert sum((pence + 500) // 1000 for pence in customer.spent) > best_to_come, customer.name
