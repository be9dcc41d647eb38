"""NEVER acknowledges what nobody will find: a ledger whose file was moved, replaced or removed under a running server
takes and tells nothing more, and goes on where it is put back.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.acceptance.command_line import laurels_here
from tests.engines import EMBEDDED
from tests.integration.http_shop import Shop, check_problem, open_shop

from laurels.errors import LedgerUnavailable

pytestmark = pytest.mark.anyio

ORDER = {"member_id": "ann", "currency": "GBP", "total": "25.00"}


@pytest.fixture(params=EMBEDDED)
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop whose state folder is named by way of a link, as where one is switched to another machine's disk."""
    (tmp_path / "disk").mkdir(mode=0o700)
    (tmp_path / "disk" / "state").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    async with open_shop(tmp_path / "link" / "state", leaderboard_engine=request.param) as opened:
        yield opened


def folder_moved(state: Path, aside: Path) -> None:
    state.rename(aside)


def file_moved(state: Path, aside: Path) -> None:
    (state / "laurels.db").rename(aside)


def removed(state: Path, aside: Path) -> None:
    shutil.move(state, aside)
    state.mkdir(mode=0o700)


def another_in_its_place(state: Path, aside: Path) -> None:
    (state / "laurels.db").rename(aside)
    shutil.copy(aside, state / "laurels.db")


def link_turned(state: Path, aside: Path) -> None:
    link = state.parent
    (link.parent / "other" / "state").mkdir(mode=0o700, parents=True)
    link.rename(aside)
    link.symlink_to(link.parent / "other")


def put_back(state: Path, aside: Path) -> None:
    if aside.is_symlink():
        aside.replace(state.parent)
    elif aside.is_dir():
        if state.is_dir():
            shutil.rmtree(state)
        aside.rename(state)
    else:
        aside.replace(state / "laurels.db")


@pytest.mark.parametrize(
    "harm", [folder_moved, file_moved, removed, another_in_its_place, link_turned], ids=lambda harm: harm.__name__
)
async def test_never_acknowledges_into_a_file_that_is_not_the_ledgers(
    shop: Shop, tmp_path: Path, harm: Callable[[Path, Path], None]
) -> None:
    token, state, aside = shop.token(), tmp_path / "link" / "state", tmp_path / "aside"

    async def order(id_: str) -> int:
        answer = await shop.ask("POST", f"/order/{id_}", token=token, json=ORDER)
        if answer.status_code == 503:
            check_problem(answer, 503, "ledger-unavailable")
        return answer.status_code

    assert await order("A1") == 202
    await shop.settle()
    harm(state, aside)
    with capture_logs() as logs:
        assert [await order(f"B{n}") for n in range(3)] == [503] * 3
        check_problem(await shop.ask("GET", "/order/A1", token=token), 503, "ledger-unavailable")
        with pytest.raises(LedgerUnavailable):  # or a board of what never was would be confirmed as the ledger's
            await shop.services.projector.catch_up()
    assert [line["event"] for line in logs].count("ledger.moved") == 1
    put_back(state, aside)
    assert await order("B0") == 202
    await shop.settle()
    assert (await shop.ask("GET", "/loyalty/ann", token=token)).json()["me"]["points"] == 6


async def test_nor_beside_a_backup_that_was_put_in_its_place(tmp_path: Path) -> None:
    """As an operator in a hurry does it: the ledger moved away, the backup restored, and `serve` never stopped."""
    state = tmp_path / "laurels-data"
    async with open_shop(state, leaderboard_engine="memory") as shop:
        assert (await shop.order("A1", "ann", "25.00")).status_code == 202
        await shop.settle()
        assert (await asyncio.to_thread(laurels_here, "backup", "backup.db", cwd=tmp_path)).returncode == 0
        for path in [*state.glob("laurels.db*")]:
            path.rename(tmp_path / path.name)
        assert (await asyncio.to_thread(laurels_here, "restore", "backup.db", cwd=tmp_path)).returncode == 0
        check_problem(await shop.order("A2", "ann", "25.00"), 503, "ledger-unavailable")
        readers = [shop.services.ledger.heads() for _ in range(40)]  # by threads that read before, and new ones
        told = await asyncio.gather(*readers, return_exceptions=True)
        assert {type(each) for each in told} == {LedgerUnavailable}
    async with open_shop(state, leaderboard_engine="memory") as shop:
        assert (await shop.order("A2", "ann", "25.00")).status_code == 202
