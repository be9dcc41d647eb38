"""Secrets in a setting are never printed: neither in its own form, nor where it stands in the wrong place."""

import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console
from tests.settings import settings_with

from laurels.errors import SettingsError
from laurels.settings import Settings, load, table
from laurels.settings.group import without_secrets

SECRET = "hunter2"
URLS = [
    f"valkey://user:{SECRET}@host:6379/0",
    f"valkey://:{SECRET}@host",
    f"valkey://{SECRET}@host",
    f"valkey://host?password={SECRET}",
    f"valkey://host/0?ssl=1&password={SECRET}#x",
    f"valkey+sentinel://user:{SECRET}@one:1,two:2/board/0",
    f"valkeys+sentinel://:{SECRET}@[::1]:1,two/board",
    f"https://id.example/{SECRET}/jwks.json",
    f"https://id.example/jwks.json?key={SECRET}",
    f"smtps://a%40b:p@{SECRET}@host:465",
    f"smtp://user:{SECRET}/x@host",
    f"smtp://user:'{SECRET}'@host",
    f"smtp://user:a' - at {SECRET}@host",
    f"postgresql+asyncpg://user:{SECRET}@[::1]:5432/laurels",
    f"VALKEY://user:{SECRET}@host",
    f"user:{SECRET}@host",
    f"valkey:/user:{SECRET}@host",
    f"//user:{SECRET}@host",
    f"host\n://user:{SECRET}@host",
]
NAMES = [row.name for row in table() if row.name.endswith("url")]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("name", NAMES)
def test_nowhere_where_settings_are_shown(name: str, url: str) -> None:
    group, _, key = name.partition(".")
    settings = msgspec.convert({group: {key: url}}, Settings)
    drawn = io.StringIO()
    Console(file=drawn, width=300).print(settings)
    for shown in (repr(settings), str(settings), f"{settings}", drawn.getvalue()):
        assert SECRET not in shown


def test_every_url_is_tried() -> None:
    assert {"ledger.url", "leaderboard.url", "auth.jwks_url", "notify.smtp_url"} <= {*NAMES}


@pytest.mark.parametrize("url", [each for each in URLS if "://" in each])
@pytest.mark.parametrize("setting", ["leaderboard.engine", "auth.mode", "http.port", "auth.algorithms"])
def test_not_in_what_is_said_of_a_wrong_setting(tmp_path: Path, setting: str, url: str) -> None:
    empty = tmp_path / "empty.toml"
    empty.touch()
    with pytest.raises(SettingsError) as refused:
        load({setting: [url] if setting == "auth.algorithms" else url}, environment={}, config=empty)
    assert SECRET not in str(refused.value)
    assert setting in str(refused.value)
    assert refused.value.__cause__ is None


def test_what_is_no_secret_is_shown() -> None:
    assert "'sqlite'" in repr(Settings())
    assert without_secrets("valkey://user:x@host:6379/0") == "valkey://***@host:6379/0"
    assert without_secrets("https://id.example/a/b?c=d") == "https://id.example"
    assert "'Corner Shop <points@shop.example>'" in repr(settings_with(notify_from="Corner Shop <points@shop.example>"))
    with pytest.raises(SettingsError, match="'natve'"):
        load({"leaderboard.engine": "natve"}, environment={})


def test_a_password_of_its_own_is_not_shown_at_all() -> None:
    settings = load({"leaderboard.sentinel_password": SECRET}, environment={})
    assert settings.leaderboard.sentinel_password == SECRET
    assert SECRET not in repr(settings)
