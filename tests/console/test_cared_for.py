"""Health says when the ledger was checked last and backed up last, and what the check found."""

from pathlib import Path

import pytest
from tests.console.console_shop import open_console_shop
from tests.console.test_jobs import run_jobs

from laurels.backup_note import BackupNote, last_backup, note_backup
from laurels.errors import LaurelsError
from laurels.wiring.backups import back_up, try_restore

pytestmark = pytest.mark.anyio


def nobody(done: int, total: int) -> None:
    """Show nothing of how far it is."""


async def test_the_last_check_and_the_last_backup_stand_on_health(tmp_path: Path) -> None:
    async with open_console_shop(tmp_path / "state") as console:
        shop = console.shop
        visitor = await console.signed_in("operator")
        assert "was not checked here yet" in (await visitor.open("/health")).text
        told = (await shop.ask("GET", "/status")).json()
        assert (told["checked"], told["backed_up"]) == (None, None)
        await shop.ask("POST", "/jobs", json={"kind": "verify"})
        await run_jobs(shop)
        copied = await back_up(shop.services.settings, tmp_path / "b.db", None, shop.services.now, nobody)
        told = (await shop.ask("GET", "/status")).json()
        assert told["checked"] | {"at": ""} == {"job": 1, "at": "", "findings": 0}
        assert told["backed_up"]["entries"] == copied.entries
        assert "No backup was restored here yet" in (await visitor.open("/health")).text
        tried = await try_restore(shop.services.settings, tmp_path / "b.db", None, shop.services.now, nobody)
        assert tried.entries == copied.entries
        told = (await shop.ask("GET", "/status")).json()
        assert told["restored"]["entries"] == copied.entries
        assert not [*(tmp_path / "state").glob(".laurels-draft-*")], "what was tried is thrown away"
        page = (await visitor.open("/health")).text
        assert f"A backup was restored: {copied.entries} entries" in page
        assert "Checked: all is as it should be" in page
        assert f"Backed up: {copied.entries} entries" in page


async def test_a_trial_of_what_is_no_backup_is_refused_and_not_noted(tmp_path: Path) -> None:
    (tmp_path / "b.db").write_bytes(b"no ledger" * 1000)
    async with open_console_shop(tmp_path / "state") as console:
        services = console.shop.services
        with pytest.raises(LaurelsError):
            await try_restore(services.settings, tmp_path / "b.db", None, services.now, nobody)
        assert (await console.shop.ask("GET", "/status")).json()["restored"] is None
        assert not [*(tmp_path / "state").glob(".laurels-draft-*")]


def test_a_note_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    assert last_backup(tmp_path) is None
    note_backup(tmp_path, BackupNote(at=5, entries=7))
    note_backup(tmp_path, BackupNote(at=6, entries=8))
    assert last_backup(tmp_path) == BackupNote(at=6, entries=8)
    assert [path.name for path in tmp_path.iterdir()] == ["backed-up.json"]
    (tmp_path / "backed-up.json").write_bytes(b'{"at": "')
    assert last_backup(tmp_path) is None
