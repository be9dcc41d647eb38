"""Whole columns are checked by expressions; each must decide as its counterpart in the model does, cell by cell."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from laurels.errors import InvalidInput
from laurels.exchange import cells, times
from laurels.model.ids import check_email, check_id, check_sku, check_source, is_spoiled
from laurels.model.money import parse_decimal
from laurels.model.times import EARLIEST, MAX_AHEAD, check_occurred, from_datetime, parse_instant, parse_written

NOW = parse_instant("2026-06-01T00:00:00Z", "now")
CELL = pl.col("cell")
ODD_TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=140)

reproducible = settings(print_blob=True, deadline=None, max_examples=150)


def check_honest(text: str) -> str:
    if is_spoiled(text):
        raise InvalidInput.of("cell", "is spoiled")
    return check_id(text, "cell")


def decided(expression: pl.Expr, texts: list[str]) -> list[object]:
    return (
        pl.DataFrame({"cell": texts}, schema={"cell": pl.String}).select(expression.alias("value"))["value"].to_list()
    )


def or_none(check: object, *arguments: object, **named: object) -> object:
    assert callable(check)
    try:
        return check(*arguments, **named)
    except InvalidInput:
        return None


NUMBERS = st.from_regex(r"-?[0-9]{1,13}(\.[0-9]{1,8})?", fullmatch=True) | st.from_regex(
    r"[-+0-9.e ]{0,9}", fullmatch=True
)


@reproducible
@given(st.lists(NUMBERS | ODD_TEXT, min_size=1), st.sampled_from([0, 2, 6]), st.booleans())
@example(
    ["-0", "0", "-0.00", "00", "1.", ".5", "999999999999.999999", "-999999999999.999999", "1000000000000", "٣"], 6, True
)
def test_decimals(texts: list[str], decimals: int, signed: bool) -> None:
    read = decided(cells.millionths(CELL, pl.lit(decimals), signed=pl.lit(signed)), texts)
    expected = [or_none(parse_decimal, text, decimals, "cell", signed=signed) for text in texts]
    assert read == [None if value is None else int(str(value)) * 10 ** (6 - decimals) for value in expected]


@reproducible
@given(st.lists(st.from_regex(r"[A-Za-z0-9._:@+=/ \u00e9\u200b\u65e5-]{0,130}", fullmatch=True) | ODD_TEXT, min_size=1))
@example(["a\n", "a" * 128, "a" * 129, "é" * 127, "é" * 128, "", ".", "..", "...", " a", "a\x85"])
def test_ids(texts: list[str]) -> None:
    assert decided(cells.ids(CELL), texts) == [or_none(check_honest, text) for text in texts]
    plain = decided(cells.ids(CELL, as_they_are=True), texts)
    assert plain == [or_none(check_id, text, "cell") for text in texts]


@reproducible
@given(
    st.lists(st.from_regex(r"(member|laurels|checkout|[a-z0-9-])[a-z:/-]{0,70}", fullmatch=True) | ODD_TEXT, min_size=1)
)
@example(["shop", "member", "member:7", "laurels", "checkout", "a" * 64, "a" * 65, "a\n", "-a", ""])
def test_sources(texts: list[str]) -> None:
    assert decided(cells.sources(CELL), texts) == [or_none(check_source, text, "cell") for text in texts]


@reproducible
@given(st.lists(ODD_TEXT, min_size=1))
@example(["a\n", "é" * 128, "é" * 129, "", "\x7f", "\x85"])
def test_skus(texts: list[str]) -> None:
    assert decided(cells.skus(CELL), texts) == [or_none(check_sku, text, "cell") for text in texts]


@reproducible
@given(st.lists(st.from_regex(r"[a-z@. ]{0,12}", fullmatch=True) | ODD_TEXT, min_size=1))
@example(["a@b", "a@b\n", "a@@b", "@b", "a@", "ä@ö"])
def test_emails(texts: list[str]) -> None:
    assert decided(cells.emails(CELL), texts) == [or_none(check_email, text, "cell") for text in texts]


TIMES = st.builds(
    "{:04}-{}-{:02}{}{}:{:02}:{:02}{}{}".format,
    st.sampled_from([0, 1999, 2000, 2024, 2026, 9999]),
    st.integers(0, 13),
    st.integers(0, 32),
    st.sampled_from(["T", "t", " "]),
    st.integers(0, 24),
    st.sampled_from([0, 59, 60]),
    st.sampled_from([0, 59, 60]),
    st.sampled_from(["", ".", ".1", ".123456", ".123456789", ".1234567890"]),
    st.sampled_from(
        ["Z", "z", "", "+00:00", "-23:59", "+24:00", "+1:00", "+0100", " -0930", " UTC", "GMT", " +02", "+2"]
    ),
)


@reproducible
@given(st.lists(TIMES | ODD_TEXT, min_size=1))
@example(["2000-01-01T00:00:00Z", "2000-01-01T00:59:59+01:00", "2026-06-01T00:05:00Z", "2026-06-01T00:05:00.000001Z"])
def test_times_with_an_offset(texts: list[str]) -> None:
    def expected(text: str) -> int:
        return check_occurred(parse_written(text, "cell", None), NOW)

    assert decided(times.instants(CELL, [], NOW), texts) == [or_none(expected, text) for text in texts]


PLAIN = st.builds(
    "{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}{}".format,
    st.sampled_from([0, 1999, 2000, 2011, 2024, 2026, 9999]),
    st.integers(0, 13),
    st.integers(0, 32),
    st.sampled_from(["T", " "]),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
    st.sampled_from(["Z", ""]),
)


@reproducible
@given(st.lists(PLAIN, min_size=1), st.sampled_from([[], [(None, "Europe/London")]]))
@example(["2011-03-27 01:30:00", "2011-10-30 01:30:00", "2011-02-30T10:00:00Z"], [(None, "Europe/London")])
def test_plain_times_are_read_as_all_others(texts: list[str], zones: list[tuple[None, str]]) -> None:
    assert times.are_plain(pl.Series(texts))
    assert decided(times.plain(CELL, zones, NOW), texts) == decided(times.instants(CELL, zones, NOW), texts)


@pytest.mark.parametrize("text", ["2026-01-05T10:00", "2026-01-05T10:00:00.5Z", "2026-01-05T10:00:00z", "x", ""])
def test_other_spellings_are_not_plain(text: str) -> None:
    assert not times.are_plain(pl.Series(["2026-01-05T10:00:00Z", text]))


ZONES = ["Europe/London", "Europe/Dublin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Monrovia"]
CHANGES = [datetime.fromisoformat(day) for day in ("2011-03-27", "2011-04-03", "2011-10-30", "2011-12-30")]
"""Days on which clocks changed in one of them; Samoa left out the last one."""

CLOCK_TIMES = st.datetimes(datetime.fromisoformat("2000-01-03"), datetime.fromisoformat("2026-05-30")).map(
    lambda moment: moment.replace(fold=0)
)


@reproducible
@given(
    st.sampled_from(ZONES),
    st.lists(CLOCK_TIMES, min_size=1),
    st.sampled_from(CHANGES),
    st.lists(st.integers(-3 * 3600, 27 * 3600), min_size=1),
)
def test_times_by_the_clock(zone: str, moments: list[datetime], change: datetime, seconds: list[int]) -> None:
    local = moments + [change + timedelta(seconds=each) for each in seconds]
    # Without a fold, the standard library too reads the first of two, and what was skipped by the offset before.
    expected = [from_datetime(each.replace(tzinfo=ZoneInfo(zone))) for each in local]
    assert decided(times.instants(CELL, [(None, zone)], NOW), [each.isoformat(" ") for each in local]) == expected
    typed = pl.DataFrame({"cell": local}, schema={"cell": pl.Datetime("us")})
    assert typed.select(times.moments(CELL, pl.Datetime("us"), [(None, zone)], NOW))["cell"].to_list() == expected
    assert all(EARLIEST <= each <= NOW + MAX_AHEAD for each in expected)


@pytest.mark.parametrize(
    "role", ["order_id", "total", "quantity", "unit_price", "line_total", "refunded", "currency", "channel"]
)
def test_the_words_for_a_bad_cell_are_one_short_line(role: str) -> None:
    for cell in ("\x00", "\x85 1", "#N/A\n"):
        words = cells.why(role, cell, currency="GBP", signed=False)
        assert re.fullmatch(r"(must|is) [^\n]{5,120}", words), (cell, words)


@pytest.mark.parametrize("zone", [None, "Europe/London"])
@pytest.mark.parametrize("time_format", [None, "epoch", "%d/%m/%Y"])
def test_the_words_for_a_bad_time_are_one_short_line(zone: str | None, time_format: str | None) -> None:
    for cell in ("\x00", "2026-02-30", "-1e400", "٣", "1999-01-01"):
        words = times.why_not(cell, zone, NOW, time_format)
        assert re.fullmatch(r"(must|is|has) [^\n]{5,120}", words), (cell, words)
