"""Time zones by the names that exports write in a column: those of the tz database, and those of Square's reports."""

from functools import cache
from zoneinfo import ZoneInfo

_IN_WORDS = {
    "Hawaii": "Pacific/Honolulu",
    "Alaska": "America/Juneau",
    "Pacific Time (US & Canada)": "America/Los_Angeles",
    "Arizona": "America/Phoenix",
    "Mountain Time (US & Canada)": "America/Denver",
    "Central Time (US & Canada)": "America/Chicago",
    "Eastern Time (US & Canada)": "America/New_York",
    "Indiana (East)": "America/Indiana/Indianapolis",
    "Atlantic Time (Canada)": "America/Halifax",
    "Newfoundland": "America/St_Johns",
    "Dublin": "Europe/Dublin",
    "London": "Europe/London",
    "Edinburgh": "Europe/London",
    "Paris": "Europe/Paris",
    "Madrid": "Europe/Madrid",
    "Tokyo": "Asia/Tokyo",
    "Osaka": "Asia/Tokyo",
    "Perth": "Australia/Perth",
    "Adelaide": "Australia/Adelaide",
    "Darwin": "Australia/Darwin",
    "Brisbane": "Australia/Brisbane",
    "Sydney": "Australia/Sydney",
    "Melbourne": "Australia/Melbourne",
    "Hobart": "Australia/Hobart",
}


@cache
def known_zone(text: str) -> str | None:
    """The tz database's name of a zone, as `ZoneInfo` takes it; None for one that is not known."""
    name = _IN_WORDS.get(text, text)
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
    return name
