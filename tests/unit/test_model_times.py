"""Instants: RFC 3339 with an offset in, microseconds in UTC inside."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.errors import InvalidInput
from laurels.model.times import (
    EARLIEST,
    FIRST,
    LAST,
    MAX_AHEAD,
    by_the_clock,
    check_occurred,
    format_instant,
    from_datetime,
    month_end,
    month_of,
    parse_instant,
    parse_written,
    to_datetime,
)
from laurels.program.local_time import day_of_instant
from laurels.rollups import Days

LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-01T10:00:00Z", "2026-11-01T10:00:00Z"),
        ("2026-11-01t10:00:00z", "2026-11-01T10:00:00Z"),
        ("2026-11-01T10:00:00+00:00", "2026-11-01T10:00:00Z"),
        ("2026-11-01T10:00:00-00:00", "2026-11-01T10:00:00Z"),
        ("2026-11-01T10:00:00+05:30", "2026-11-01T04:30:00Z"),
        ("2026-11-01T10:00:00-08:00", "2026-11-01T18:00:00Z"),
        ("2026-11-01T10:00:00.5Z", "2026-11-01T10:00:00.5Z"),
        ("2026-11-01T10:00:00.123456Z", "2026-11-01T10:00:00.123456Z"),
        ("2026-11-01T10:00:00.123456789Z", "2026-11-01T10:00:00.123456Z"),
        ("2000-01-01T00:00:00+23:59", "1999-12-31T00:01:00Z"),
        ("2024-02-29T12:00:00Z", "2024-02-29T12:00:00Z"),
    ],
)
def test_an_instant_is_read_to_the_microsecond(text: str, utc: str) -> None:
    assert format_instant(parse_instant(text, "occurred_at")) == utc


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2026-11-01", "2026-11-01T10:00:00", "2026-11-01 10:00:00Z", "2026-11-01T10:00Z", "20261101T100000Z",
        "2026-11-01T10:00:00+0100", "2026-11-01T10:00:00 Z", "2026-11-01T10:00:00Z\n", "2026-13-01T10:00:00Z",
        "2026-02-30T10:00:00Z", "2025-02-29T10:00:00Z", "2026-11-01T24:00:00Z", "2026-11-01T10:60:00Z",
        "2026-11-01T10:00:61Z", "2026-11-01T10:00:00.Z", "2026-11-01T10:00:00,5Z", "2026-11-01T10:00:00+24:00",
        "2026-11-01T10:00:00+99:99", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "-2026-11-01T10:00:00Z",
        "\u0662\u0660\u0662\u0666-\u0661\u0661-\u0660\u0661T\u0661\u0660:\u0660\u0660:\u0660\u0660Z",
        "1793530800", "2026-W44-7T10:00:00Z", "2026-11-01T10:00:00.1234567890Z",
        "2026-11-01T10:00:00[Europe/London]", "2026-11-01T10:00:00Z2026-11-01T10:00:00Z",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="occurred_at: must be a time with an offset"):
        parse_instant(text, "occurred_at")


@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"]
)
def test_the_ends_of_the_calendar_are_read_or_refused_and_never_earn(text: str) -> None:
    now = from_datetime(datetime(2026, 11, 1, tzinfo=UTC))
    with pytest.raises(InvalidInput):
        check_occurred(parse_instant(text, "occurred_at"), now)


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
def test_what_an_offset_moves_out_of_the_calendar_is_refused(text: str) -> None:
    """Nobody could write it again."""
    for read in (parse_instant, lambda text, field: parse_written(text, field, None)):
        with pytest.raises(InvalidInput, match="years 1 to 9999"):
            read(text, "expires_at")


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
def test_the_ends_of_the_calendar_have_a_day_in_every_zone(zone: str) -> None:
    """Shops write the last instant of 9999 for never."""
    for at, year in ((FIRST, 1), (LAST, 9999)):
        format_instant(at)
        local = by_the_clock(to_datetime(at), ZoneInfo(zone))
        assert local.year == year
        assert str(Days(ZoneInfo(zone)).of(at))[:-4] == str(year)
        assert day_of_instant(at, ZoneInfo(zone)).year == year


def test_an_order_lies_between_2000_and_five_minutes_ahead() -> None:
    now = from_datetime(datetime(2026, 11, 1, tzinfo=UTC))
    for at in (EARLIEST, now, now + MAX_AHEAD):
        assert check_occurred(at, now) == at
    for at in (EARLIEST - 1, now + MAX_AHEAD + 1, -1, 2**63):
        with pytest.raises(InvalidInput, match="between 2000-01-01 and 5 minutes from now"):
            check_occurred(at, now)


@given(
    moment=st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),  # noqa: DTZ001 - the zone comes below
    offset=st.integers(-14 * 60, 14 * 60),
)
def test_every_offset_means_the_same_instant(moment: datetime, offset: int) -> None:
    local = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    text = local.isoformat()
    at = parse_instant(text, "occurred_at")
    assert to_datetime(at) == local
    assert parse_instant(format_instant(at), "occurred_at") == at


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("2026-10-31T23:59:59.999999Z", "2026-10"),
        ("2026-11-01T00:00:00Z", "2026-11"),
        ("2026-06-30T22:59:59Z", "2026-06"),  # British Summer Time: midnight is at 23:00 UTC
        ("2026-06-30T23:00:00Z", "2026-07"),
        ("2026-12-31T23:59:59Z", "2026-12"),
        ("2027-01-01T00:00:00Z", "2027-01"),
    ],
)
def test_a_month_begins_and_ends_at_midnight_in_the_programs_zone(text: str, month: str) -> None:
    assert month_of(parse_instant(text, "at"), LONDON) == month


@given(
    at=st.integers(EARLIEST, EARLIEST + 100 * 365 * 86_400_000_000),
    zone=st.sampled_from(["UTC", "Europe/London", "Pacific/Kiritimati"]),
)
def test_a_months_end_is_the_first_instant_of_the_next(at: int, zone: str) -> None:
    month = month_of(at, ZoneInfo(zone))
    end = month_end(month, ZoneInfo(zone))
    assert at < end
    assert month_of(end - 1, ZoneInfo(zone)) == month
    assert month_of(end, ZoneInfo(zone)) > month


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2025-05-12 15:06:16 -0400", "2025-05-12T19:06:16Z"),
        ("2025-05-11 09:55:16+02:00", "2025-05-11T07:55:16Z"),
        ("2025-05-11 09:55:16 +02", "2025-05-11T07:55:16Z"),
        ("2025-05-11 09:55:16 UTC", "2025-05-11T09:55:16Z"),
        ("2025-05-11T09:55:16.123456789Z", "2025-05-11T09:55:16.123456Z"),
        ("2025-05-11 09:55:16,5", "2025-05-11T08:55:16.5Z"),
        ("2025-01-02 9:05", "2025-01-02T09:05:00Z"),
        ("2025-07-02 9:05", "2025-07-02T08:05:00Z"),
        ("2025-1-2", "2025-01-02T00:00:00Z"),
        ("2025-10-26 01:30", "2025-10-26T00:30:00Z"),  # of two the first
        ("2025-03-30 01:30", "2025-03-30T01:30:00Z"),  # skipped
    ],
)
def test_a_time_as_files_write_it(text: str, utc: str) -> None:
    assert format_instant(parse_written(text, "occurred_at", LONDON)) == utc


@pytest.mark.parametrize(
    "text",
    ["", "2025", "2025-02-30", "2025-13-01 10:00", "0000-01-01", "2025-05-12 24:00", "2025-05-12 10:60",
     "12/1/2010 08:26", "2025-05-12 10", "2025-05-12 10:00 +25:00", "2025-05-12Z",
     "2025-05-12 10:00:00 EST", "2025-05-12 10:00\n", "\u0662025-05-12", "9999-99-99"],
)  # fmt: skip
def test_no_time(text: str) -> None:
    with pytest.raises(InvalidInput, match="occurred_at: "):
        parse_written(text, "occurred_at", LONDON)


def test_a_reading_of_clocks_needs_a_zone() -> None:
    with pytest.raises(InvalidInput, match="occurred_at: has no offset; name its time zone"):
        parse_written("2025-01-02 9:05", "occurred_at", None)
    assert parse_written("2025-01-02 9:05Z", "occurred_at", None) == parse_instant(
        "2025-01-02T09:05:00Z", "occurred_at"
    )


@given(moment=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.sampled_from([UTC, LONDON])))  # noqa: DTZ001
def test_what_rfc_3339_writes_is_read_alike(moment: datetime) -> None:
    text = moment.isoformat()
    assert parse_written(text, "at", None) == parse_instant(text, "at") == from_datetime(moment)
