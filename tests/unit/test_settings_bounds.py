"""Whole numbers in settings: what is beyond reason is refused at the start, for nothing may fail by it afterwards."""

import json
from pathlib import Path

import pytest

from laurels import clock
from laurels.clock import DAY, HOUR, MINUTE
from laurels.engines.sqlite import SqliteLedger
from laurels.errors import SettingsError
from laurels.settings import load, table
from laurels.settings.group import MOST, MOST_DAYS
from laurels.settings.table import Setting

WHOLE = [row.name for row in table() if type(row.default) is int] + ["http.metrics_port"]


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("value", [-1, 10**12, 2**63, 10**30])
def test_a_number_beyond_reason_is_named(tmp_path: Path, name: str, value: int) -> None:
    with pytest.raises(SettingsError, match=name.replace(".", r"\.")):
        load({"state": tmp_path, name: value}, environment={})


@pytest.mark.parametrize("name", [row.name for row in table() if not isinstance(row.default, bool | int | float)])
def test_a_nul_in_a_text_is_named_and_not_shown(name: str) -> None:
    with pytest.raises(SettingsError, match=name.replace(".", r"\.")) as refused:
        load({name: "qqq\0qqq"}, environment={})
    assert "qqq" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("http.root_path", path) for path in ("x", "/x/", "/", "/x y", "/x?y", "http://a/b", "/..")),
        *(("http.cors_origins", [origin]) for origin in ("shop.example", "https://a.example:65536", "null", "ftp://a")),
        *(("events.private_hosts", [host]) for host in ("http://a", "a:80", "a/b", "u@a", "A.example", "[::1]", "a b")),
    ],
)
def test_what_stands_for_nothing_is_refused_by_every_command(name: str, value: object) -> None:
    with pytest.raises(SettingsError, match=name.replace(".", r"\.")):
        load({name: value}, environment={})


def test_hosts_and_origins_that_are_some_are_taken() -> None:
    hosts, origins = ["127.0.0.1", "::1", "erp.internal", "xn--kse-qla.example"], ["https://a.example:65535"]
    load({"events.private_hosts": hosts, "http.cors_origins": origins, "http.root_path": "/a/b"}, environment={})


@pytest.mark.parametrize("slip", ["", " ", "\n", " qqq", "qqq\n", "q\nqq", "q\x1bqq"])
@pytest.mark.parametrize("row", [row for row in table() if not isinstance(row.default, bool | int | float)])
def test_a_text_that_can_only_be_a_slip_is_named_and_not_shown(tmp_path: Path, row: Setting, slip: str) -> None:
    given = [slip] if isinstance(row.default, tuple) else slip
    if given == row.default:
        return
    file = tmp_path / "laurels.toml"
    file.write_text(f"{row.name} = {json.dumps(given)}\n")
    with pytest.raises(SettingsError, match=row.name.replace(".", r"\.")) as refused:
        load(environment={}, config=file)
    assert "qq" not in str(refused.value)


@pytest.mark.parametrize("row", [row for row in table() if row.choices], ids=lambda row: row.name)
def test_a_word_that_is_none_of_a_few_is_answered_with_them(row: Setting) -> None:
    given = ["qqq"] if isinstance(row.default, tuple) else "qqq"
    with pytest.raises(SettingsError, match=row.name.replace(".", r"\.")) as refused:
        load({row.name: given}, environment={})
    assert str(refused.value).endswith(f"; known: {', '.join(row.choices)}")


@pytest.mark.parametrize("name", [row.name for row in table() if isinstance(row.default, tuple)])
def test_a_text_where_a_list_belongs_is_told_how_one_is_written(name: str) -> None:
    with pytest.raises(SettingsError, match="a list is written") as refused:
        load({name: "qqq"}, environment={})
    assert name in str(refused.value)


def test_the_largest_times_have_room() -> None:
    assert clock.now() + MOST * max(HOUR, MINUTE) < 2**63


@pytest.mark.anyio
async def test_rows_may_be_kept_as_long_as_a_setting_may_say(tmp_path: Path) -> None:
    settings = load({"state": tmp_path, "audit.days": MOST_DAYS}, environment={})
    ledger = SqliteLedger.open(tmp_path / "laurels.db")
    try:
        assert await ledger.cut_audit(before=clock.now() - settings.audit.days * DAY, limit=10) == 0
    finally:
        await ledger.close()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("http.port", "x", "http.port must be a whole number"),
        ("http.port", 99_999, "http.port must be a whole number of at most 65535"),
        ("boards.within_s", 0, "boards.within_s must be a whole number of at least 1"),
        ("approval.required", "maybe", "approval.required must be true or false"),
        ("auth.services", [3], "auth.services[0] must be a text"),
    ],
)
def test_what_a_setting_must_be_is_said_in_words(name: str, value: object, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load({name: value}, {})
    assert str(refused.value) == f"The settings are not valid: {said}"


@pytest.mark.parametrize("value", ['["https://a.example/hook", "https://b.example/hook"]', " ['https://a.example']"])
def test_a_list_of_the_file_is_none_of_the_environment(value: str) -> None:
    """It would be one address with brackets, and refused as that."""
    with pytest.raises(SettingsError, match="LAURELS_EVENTS_URLS is written as in the file"):
        load(environment={"LAURELS_EVENTS_URLS": value})
