"""How the console writes numbers, shares, money and times (en-GB)."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from laurels.model.times import by_the_clock

MINUS = "\u2212"
NO_BREAK = "\u00a0"


def number(value: int) -> str:
    """Such as 1,234, with a true minus below zero."""
    return f"{MINUS if value < 0 else ''}{abs(value):,}"


def signed(value: int) -> str:
    """The same with a plus above zero."""
    return f"+{value:,}" if value > 0 else number(value)


def begun(text: str) -> str:
    """What stands at the beginning of a line: gold as Gold, and VIP as it is."""
    return text[:1].upper() + text[1:]


def count(value: int, one: str, many: str) -> str:
    """Such as 1 customer, 1,200 customers."""
    return f"{number(value)} {one if value == 1 else many}"


def points_of(count: int) -> str:
    """Such as 1 point, 50 points."""
    return f"{abs(count):,} point{'' if abs(count) == 1 else 's'}"


def of_hundred(share: str) -> str:
    """A share as the API writes it, as so many of a hundred: 0.8 is 80, 0.8025 is 80.25."""
    return f"{(Decimal(share) * 100).normalize():f}"


def money(amount: str, currency: str) -> str:
    """Such as 1,200.00 GBP, of an amount as the API writes it, with a true minus below zero."""
    if amount.startswith("-"):
        return f"{MINUS}{money(amount[1:], currency)}"
    whole, point, rest = amount.partition(".")
    return f"{int(whole):,}{point}{rest} {currency}"


def when(text: str, zone: ZoneInfo) -> str:
    """An instant as the API writes it, as 24 Nov 2026, 17:14 in the program's zone."""
    return f"{day(text, zone)}, {_at(text, zone):%H:%M}"


def day(text: str, zone: ZoneInfo) -> str:
    """Such as 24 Nov 2026, never parted by the end of a line."""
    return _day(_at(text, zone))


def last_day(text: str, zone: ZoneInfo) -> str:
    """The last day before an instant, such as 31 Dec 2026 for the beginning of the year."""
    return _day(_at(text, zone) - timedelta(microseconds=1))


def month(text: str, zone: ZoneInfo) -> str:
    """Such as November 2026."""
    return f"{_at(text, zone):%B %Y}"


def month_name(text: str) -> str:
    """The name of a day's month, such as November."""
    return f"{date.fromisoformat(text):%B}"


def period(text: str) -> str:
    """A month or a day as reports name them, such as Nov 2026, 2 Nov 2026."""
    if text.count("-") == 1:
        return f"{date.fromisoformat(f'{text}-01'):%b %Y}"
    on = date.fromisoformat(text)
    return f"{on.day} {on:%b %Y}"


def arrow(text: str) -> str:
    """A reason with an arrow for people's eyes."""
    return text.replace(" -> ", " → ")


def _day(at: datetime) -> str:
    return f"{at.day}{NO_BREAK}{at:%b}{NO_BREAK}{at.year}"


def _at(text: str, zone: ZoneInfo) -> datetime:
    return by_the_clock(datetime.fromisoformat(text), zone)
