"""The key file of the proxy names, made at the first start and never again."""

import asyncio
from pathlib import Path

import pytest
from tests.ledgers import open_ledger

from laurels.dashboard.names import load_key
from laurels.errors import SettingsError
from laurels.settings import Settings
from laurels.wiring import naming
from laurels.wiring.ledgers import has_members, ledger_path


async def enrol(settings: Settings) -> None:
    ledger = await open_ledger(ledger_path(settings), names=(await naming.open_names(settings)).numbers)
    await ledger.enrol([("ann", None)], actor="test")
    await ledger.close()


def test_the_first_start_makes_it_and_the_next_ones_load_it(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path / "state")
    key = asyncio.run(naming.open_names_key(settings))
    asyncio.run(enrol(settings))
    assert asyncio.run(naming.open_names_key(settings)) == key == load_key(tmp_path / "state" / "names.key")


def test_missing_while_members_are_named_by_it_no_other_is_made(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path)
    asyncio.run(enrol(settings))
    (tmp_path / "names.key").unlink()
    with pytest.raises(SettingsError, match="is missing"):
        asyncio.run(naming.open_names_key(settings))
    assert not (tmp_path / "names.key").exists()


def test_one_that_another_process_makes_and_uses_meanwhile_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two start at once over an empty folder: one looks for the key, then the other makes it and enrols somebody, then
    the first looks for members.
    """
    settings = Settings(state=tmp_path)

    async def after_the_other(settings: Settings) -> bool:
        monkeypatch.undo()
        await enrol(settings)
        return await has_members(settings)

    monkeypatch.setattr(naming, "has_members", after_the_other)
    assert asyncio.run(naming.open_names_key(settings)) == load_key(tmp_path / "names.key")
    assert asyncio.run(has_members(settings))
