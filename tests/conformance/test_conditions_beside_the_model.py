"""What campaigns and exclusions ask of an order's time and place and of its member: random programs that ask of all of
it, beside the reference model. The seed is printed, as in `test_beside_the_model`.
"""

import os
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.conformance import oracle
from tests.conformance.lives import some_order, some_refund, some_twins

pytestmark = pytest.mark.skipif(not oracle.present(), reason=oracle.MISSING)

LIVES = int(os.environ.get("LAURELS_TEST_LIVES") or 200)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TIMES = ("00:00", "06:30", "09:00", "12:00", "17:30", "23:59", "24:00")
DATES = (
    "2026-03-29T00:00",
    "2026-03-29T02:00",
    "2026-10-25T02:00",
    "2026-10-24T23:00",
    "2026-12-31T00:00",
    "2027-01-01",
)
ZONES = ("Europe/London", "UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")
EDGES = (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
BIRTHDAYS = ("01-01", "02-28", "02-29", "03-29", "10-25", "12-31")
SEGMENTS = ("student", "staff", "käse 🧀")


def some(r: random.Random, values: Any) -> list[Any]:
    return r.sample(values, r.randint(1, min(2, len(values))))


def ask(r: random.Random, program: dict[str, Any]) -> None:
    """Ask something of every campaign, and leave something out by region."""
    program["time_zone"] = r.choice(ZONES)
    if r.random() < 0.4:
        program["basis"]["exclude"] = [
            {"name": "wine in Ulster", "category": ["grocery/wine"], "region": ["GB-NIR"]},
            {"name": "all in Leinster", "not_category": ["home"], "region": ["IE-L", "IE-D"]},
        ]
    tiers = [level["name"] for level in program.get("tiers", {}).get("levels", [])]
    for campaign in program["campaigns"]:
        campaign["name"] = f"{campaign['name']} — 奶酪"
        where: dict[str, Any] = {
            "channel": some(r, ["web", "mobile", "store"]),
            "region": some(r, ["GB-NIR", "GB-ENG", "IE-D"]),
            "coupon": some(r, ["SPRING", "SUMMER"]),
            "payment": some(r, ["card", "points", "cash"]),
            "segment": some(r, SEGMENTS),
            "nth_order": r.randint(1, 3),
            "every_nth_order": r.randint(1, 3),
            "birthday_within_days": r.choice([0, 1, 7, 182]),
            "total_max": {"GBP": r.choice(["5.00", "20.00", "50.00"])},
        } | ({"tier": some(r, tiers)} if tiers else {})
        campaign["where"] = {key: where[key] for key in r.sample(sorted(where), r.choice([0, 1, 1, 2]))}
        if campaign["where"].keys() >= {"nth_order", "every_nth_order"}:
            campaign["where"]["every_nth_order"] = 1
        if r.random() < 0.3:
            campaign["days"] = r.sample(DAYS, r.randint(1, 5))
        if r.random() < 0.3:
            campaign["hours"] = sorted(r.sample(TIMES, 2))
        begins, ends = sorted(r.sample(DATES, 2))
        if r.random() < 0.3:
            campaign["from"] = begins if "T" in begins else f"{begins}T00:00"
        if r.random() < 0.3:
            campaign["until"] = ends if "T" in ends else f"{ends}T00:00"


def test_what_is_asked_of_orders_and_members_is_what_the_model_asks(seed: int) -> None:
    r = random.Random(seed)
    applied = 0
    for _ in range(LIVES):
        twins = some_twins(r, ask)
        twins.moved(datetime(2027, 3, 1, tzinfo=UTC))
        for number in range(r.randint(2, 7)):
            if r.random() < 0.4:
                said = {"birthday": r.choice(BIRTHDAYS), "segments": some(r, SEGMENTS)}
                twins.step({"do": "attributes", "member": "m", "set": said})
            at = r.choice(EDGES) + timedelta(
                minutes=r.choice([-1, 0, 1, r.randint(-3000, 3000), r.randint(-90_000, 5_000)])
            )
            more = {
                "channel": r.choice(["web", "mobile", "store"]),
                "region": r.choice(["GB-NIR", "GB-ENG", "IE-L", "IE-D"]),
            } | ({"coupon": r.choice(["SPRING", "SUMMER", "NONE"])} if r.random() < 0.5 else {})
            got = some_order(r, twins, f"o{number}", "m", at, more=more)
            applied += len(got.get("parts", {})) > 1
            if f"o{number}" in twins.book.awards and r.random() < 0.4:
                some_refund(r, twins, f"o{number}")
    assert applied > LIVES // 2, "campaigns are judged, and not only passed by"
