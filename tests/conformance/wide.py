"""Random histories wider than `lives.py` draws them: several versions, each of its own kind; zones with half hours and
odd midnights; currencies with no and three decimals; tax, priorities, several caps and budgets at once; lines that come
back several times; what the shop says of a member and tiers given by hand between orders; members that become one and
are named still; and a clock that stops at the very instant at which something lapses, begins or ends.
"""

import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from types import MethodType
from typing import Any
from zoneinfo import ZoneInfo

from tests.conformance import oracle
from tests.conformance.book import Book
from tests.conformance.lives import LATE, WHAT, Twins, live, model_of

from laurels.errors import ProgramError
from laurels.program.caps import KEPT_DAYS

ZONES = ("Europe/London", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Chatham", "America/New_York", "America/Havana")
STARTS = tuple(
    datetime.fromisoformat(text)
    for text in (
        "2026-11-03T10:00Z",
        "2027-03-28T00:59Z",
        "2027-10-31T00:30Z",
        "2027-12-31T23:00Z",
        "2028-02-28T20:00Z",
    )
)
PERS = {
    "GBP": ("1.00", "10.00", "3.00", "0.01", "7.00"),
    "EUR": ("1.00", "0.70", "9.00"),
    "JPY": ("100", "1", "300"),
    "KWD": ("0.250", "1.000", "0.007"),
}
BIRTHDAYS = ("02-29", "12-31", "01-01", "11-03")
OFTEN = WHAT | {"order": 4, "late": 2, "refund": 4, "time": 3, "attributes": 1, "grant": 1}


class NotKnownError(Exception):
    """A late order asks what a version made of a tier of which nobody asked while that was in force: nobody knows."""


class WideTwins(Twins):
    """Twins under several versions. The model's tier of a late order is held to the letter: what counted and what was
    granted by then, as it was recorded by then, by the version of then.
    """

    def __init__(self, start: datetime, currencies: list[str], programs: list[dict[str, Any]]) -> None:
        self.model = oracle.load("model")
        self.ledger = model_of(programs)
        self.program, self.currencies = programs[0], currencies
        self.book = Book.of(programs)
        self.history, self.let_go = [], set()
        self._looked: list[tuple[datetime, str]] = []
        self._then: list[tuple[datetime, dict[str, Any]]] = []
        self.ledger._tier_for = MethodType(self._tier_for, self.ledger)
        self.moved(start)

    @property
    def lapses_by_inactivity(self) -> bool:
        return any(program.expiry.kind == "inactivity" for program in self.book.programs)

    def step(self, step: dict[str, Any]) -> dict[str, Any]:
        got = super().step(step)
        if "refused" not in got and step["do"] in {"order", "refund", "grant", "merge"}:
            of = self.ledger.awards[step["order"]].member if step["do"] == "refund" else step["member"]
            self._looked.append((self.ledger.now, of))
        members = {id: (dict(member.q), list(member.grants)) for id, member in self.ledger.members.items()}
        self._then.append((self.ledger.now, members))
        return got

    def agree(self, step: Any) -> None:
        """A month of which nothing is kept is no month with orders: the model would land softly from a grant by it."""
        for member in self.ledger.members.values():
            member.q = {month: n for month, n in member.q.items() if n}
        super().agree(step)

    def _tier_for(self, ledger: Any, member: Any, at: datetime) -> str | None:
        of_then = ledger.version_at(at)
        later = [program.starts for program in ledger.programs if program.starts > of_then.starts]
        if later and min(later) <= ledger.now and not any(at <= each < min(later) for each in self._looks(member)):
            raise NotKnownError
        then = [members for moment, members in self._then if moment <= at]
        known = self.model.Member("then")
        known.q, known.grants = then[-1].get(member.id, ({}, [])) if then else ({}, [])
        tier: str | None = ledger.tier(member if at >= ledger.now else known, at)
        return tier

    def _looks(self, member: Any) -> list[datetime]:
        """When a member's tier was written down."""
        return [moment for moment, id in self._looked if self.ledger.member(id) is member]

    def edges(self) -> list[datetime]:
        """The instants ahead at which something lapses, begins or ends."""
        found = [program.starts for program in self.ledger.programs]
        for member in self.ledger.members.values():
            found += [key[0] for key in member.lots if key[0] != self.model.FOREVER]
            found += [each[0] for each in member.pending] + [each.until for each in member.holds.values() if each.open]
        return [edge for edge in found if edge > self.ledger.now]


def some_wide_twins(r: random.Random) -> WideTwins | None:
    """Twins of a random history; None where one of them does not read it. Where points are capped, all versions carry
    or none: room that one which carries leaves is not whole points, and the model takes it for that.
    """
    start, currencies, programs = some_history(r)
    carry = {program["rounding"]["to"] == "carry" for program in programs}
    if len(carry) > 1 and ("caps" in str(programs) or "budget" in str(programs)):
        return None
    try:
        return WideTwins(start, currencies, programs)
    except (oracle.load("model").Refused, ProgramError):
        return None


def some_history(r: random.Random) -> tuple[datetime, list[str], list[dict[str, Any]]]:
    """When it begins, its currencies, and one to three versions."""
    start, zone = r.choice(STARTS), r.choice(ZONES)
    currencies = ["GBP", *r.sample(("EUR", "JPY", "KWD"), r.choice([0, 1, 2]))]
    by_spend = r.random() < 0.3
    programs: list[dict[str, Any]] = []
    for number in range(r.choice([1, 1, 2, 3])):
        program = _version(r, currencies[:1] if by_spend else currencies)
        program |= {"version": number + 1, "time_zone": zone}
        if "tiers" in program:
            program["tiers"]["counts"] = "spend" if by_spend else r.choice(["base", "points"])
        if number:
            before = programs[-1].get("from", start)
            program["from"] = max(before + timedelta(days=1), _begins(r, start, number, zone))
        programs.append(program)
    if any(program["expiry"]["kind"] == "inactivity" for program in programs):
        for program in programs:
            program["pending"]["days"] = min(program["pending"]["days"], 14)
    _capped_alike(r, programs)
    return start, currencies, programs


def _version(r: random.Random, currencies: list[str]) -> dict[str, Any]:
    program: dict[str, Any] = oracle.load("fuzz").some_program(r, life=True)
    used = {campaign.get("group") for campaign in program["campaigns"]}
    program["groups"] = [group for group in program["groups"] if group["name"] in used]
    while any(not rate.get("match") for rate in program["rates"][:-1]):
        program["rates"].pop(0)
    priced = [rate["per"] for rate in program["rates"] if "per" in rate]
    priced += [each["spend_min"] for each in program["campaigns"] if "spend_min" in each and r.random() < 0.7]
    for amounts in priced:
        amounts |= {currency: r.choice(PERS[currency]) for currency in currencies[1:]}
    if "tiers" in program and r.random() < 0.5:
        program["tiers"]["levels"] = [
            {"name": "blue", "reach": r.choice([0, 0, 3])},
            {"name": "gold", "reach": r.choice([5, 40]), "multiply": r.choice(["1", "1.5", "2"])},
            {"name": "jet", "reach": r.choice([60, 200]), "multiply": r.choice(["1.25", "3"])},
        ]
    if r.random() < 0.4:
        date, least = r.choice(["02-28", "03-31", "06-30", "12-31"]), r.choice([0, 1, 11])
        program["expiry"] = {"kind": "fixed-date", "date": date, "at_least_months": least}
    if r.random() < 0.25:
        program["basis"]["tax"] = "excluded"
    for group in program["groups"]:
        if r.random() < 0.3:
            group["budget"] = r.choice([7, 60])
    for campaign in program["campaigns"]:
        _more(r, campaign, tiers="tiers" in program)
    if r.random() < 0.2:
        program["caps"] = {"order": r.choice([30, 100]), "day": r.choice([5, 60, 150])}
    return program


def _more(r: random.Random, campaign: dict[str, Any], *, tiers: bool) -> None:
    if campaign.get("group"):
        campaign["priority"] = r.choice([1, 5, 100])
    elif r.random() < 0.3:
        campaign["caps"] = {key: r.choice([2, 9, 33, 80]) for key in r.sample(["day", "month", "year", "ever"], 2)}
        campaign["budget"] = r.choice([5, 50, 500])
    asked: list[dict[str, Any]] = [{"nth_order": r.choice([1, 2])}, {"segment": ["student"]}]
    asked += [{"birthday_within_days": r.choice([0, 3])}, *([{"tier": ["gold"]}] if tiers else [])]
    if r.random() < 0.5:
        campaign["where"] = r.choice(asked)


def _begins(r: random.Random, start: datetime, number: int, zone: str) -> datetime:
    begins = start + timedelta(days=r.choice([20, 60, 150]) * number, hours=r.choice([0, 7]))
    if r.random() < 0.5:
        begins = begins.astimezone(ZoneInfo(zone)).replace(day=1, hour=0, minute=0).astimezone(UTC)
    return begins


def _capped_alike(r: random.Random, programs: list[dict[str, Any]]) -> None:
    """A name is capped in the same periods by every version: what no version capped is not counted, which the model
    does.
    """
    capped: dict[str, tuple[str, ...] | None] = {"": tuple(programs[0].get("caps", {}))}
    for program in programs:
        for bonus in (*program["campaigns"], *program["groups"]):
            periods = capped.setdefault(bonus["name"], tuple(bonus["caps"]) if "caps" in bonus else None)
            bonus.pop("caps", None)
            if periods and not bonus.get("group"):
                bonus["caps"] = {period: r.choice([2, 9, 33, 80]) for period in periods}
        program.pop("caps", None)
        if capped[""]:
            program["caps"] = {period: r.choice([30, 60, 100]) for period in capped[""]}


def live_widely(r: random.Random, twins: WideTwins, steps: int) -> None:
    """So many steps of three members, of whom some become one, and are named still; fewer where one asks what is not
    known.
    """
    with suppress(NotKnownError):
        _live(r, twins, steps)


def _live(r: random.Random, twins: WideTwins, steps: int) -> None:
    members, alive = ["m", "w", "x"], ["m", "w", "x"]
    for number in range(steps):
        weights = [0 if twins.lapses_by_inactivity and what in LATE else n for what, n in OFTEN.items()]
        what, who = r.choices(list(OFTEN), weights)[0], r.choice(members)
        match what:
            case "order":
                _order(r, twins, f"o{number}", who, twins.ledger.now)
            case "late":
                _order(r, twins, f"o{number}", who, _before(r, twins))
            case "refund" if twins.book.awards:
                _refund(r, twins, r.choice(sorted(twins.book.awards)))
            case "time":
                _time(r, twins)
            case "attributes":
                said = {"segments": r.choice([["student"], ["staff"]]), "birthday": r.choice(BIRTHDAYS)}
                twins.step({"do": what, "member": who, "set": said})
            case "grant":
                _grant(r, twins, who)
            case "merge" | "transfer" if len(alive) > 1:
                _two(r, twins, alive, what)
            case "redeem" | "cancel" | "hold" | "capture" | "void" | "adjust" | "sweep":
                live(r, twins, [who], number, what)


def _grant(r: random.Random, twins: WideTwins, member: str) -> None:
    tiers = twins.ledger.version_at(twins.ledger.now).tiers
    if tiers is not None:
        until = (twins.ledger.now + timedelta(days=r.choice([1, 30, 400]))).isoformat()
        twins.step({"do": "grant", "member": member, "tier": r.choice(tiers.levels).name, "until": until})


def _two(r: random.Random, twins: WideTwins, alive: list[str], what: str) -> None:
    of, to = r.sample(alive, 2)
    twins.step({"do": "sweep"})
    if what == "transfer":
        twins.step({"do": what, "member": of, "to": to, "points": r.randint(1, 20)})
    elif r.random() < 0.3 and "refused" not in twins.step({"do": what, "member": of, "into": to}):
        alive.remove(of)


def _before(r: random.Random, twins: WideTwins) -> datetime:
    """No longer ago than what days and months used of caps is kept; the model keeps it for ever."""
    now: datetime = twins.ledger.now
    begun: list[datetime] = [
        each.starts for each in twins.ledger.programs if each.starts.year > 2000 and each.starts <= now
    ]
    if begun and r.random() < 0.3:
        return max(r.choice(begun) - timedelta(microseconds=r.choice([0, 1])), now - timedelta(days=KEPT_DAYS - 3))
    return now - timedelta(days=r.choice([1, 5, 40, 100, 400]), minutes=r.choice([0, 17]))


def _time(r: random.Random, twins: WideTwins) -> None:
    edges, now = twins.edges(), twins.ledger.now
    if edges and r.random() < 0.6:
        twins.moved(max(now, r.choice(edges) - timedelta(microseconds=r.choice([0, 0, 1]))))
    else:
        twins.moved(now + timedelta(days=r.choice([0, 1, 15, 31, 100]), minutes=20))


def _order(r: random.Random, twins: WideTwins, id: str, member: str, at: datetime) -> None:
    currency = r.choice(twins.currencies)
    step: dict[str, Any] = oracle.load("fuzz").some_order(r, id)
    step |= {"do": "order", "member": member, "currency": currency}
    if "total" in step:
        step["total"] = _said(_pence(step["total"]), currency)
    for line in step.get("lines", []):
        _priced(r, line, currency)
    try:
        total = twins.model.order_of(step, at).total
    except twins.model.Refused:
        return
    if total and r.random() < 0.4:
        points = r.choice([r.randint(0, total), total])
        amounts = {"points": points, "card": total - points}
        step["payments"] = [{"method": how, "amount": _said(n, currency)} for how, n in amounts.items()]
    if at != twins.ledger.now:
        step["occurred"] = at.isoformat()
    twins.step(step)


def _priced(r: random.Random, line: dict[str, Any], currency: str) -> None:
    for key in ("unit_price", "discount"):
        if key in line:
            line[key] = _said(_pence(line[key]), currency)
    if line["unit_price"].startswith("-"):
        return
    if r.random() < 0.2:
        line["quantity"] = r.choice(["0.333", "1.5", "12", "0.001"])
    costs = Fraction(line.get("quantity", "1")) * Fraction(line["unit_price"]) - Fraction(line.get("discount", "0"))
    tax = max(Fraction(0), costs) * r.choice([Fraction(0), Fraction(1, 6), Fraction(1, 21), Fraction(1)])
    if r.random() < 0.9:
        line["tax"] = _said(int(tax * 10 ** oracle.load("model").DECIMALS[currency]), currency)


def _refund(r: random.Random, twins: WideTwins, id: str) -> None:
    award = twins.ledger.awards[id]
    currency = award.frame.currency
    amount, lines = oracle.load("fuzz").some_refund(r, award)
    if amount is None and r.random() < 0.3:
        lines = [*lines, r.choice(lines)]
    step: dict[str, Any] = {"do": "refund", "order": id}
    if amount is not None:
        step["amount"] = _said(amount, currency)
    if lines:
        step["lines"] = [
            {"line": number, **({"amount": _said(minor, currency)} if units is None else {"quantity": str(units)})}
            for number, minor, units in lines
        ]
    twins.step(step)


def _pence(text: str) -> int:
    return int(Fraction(text) * 100)


def _said(minor: int, currency: str) -> str:
    decimals = oracle.load("model").DECIMALS[currency]
    whole, rest = divmod(abs(minor), 10**decimals)
    return ("-" if minor < 0 else "") + (f"{whole}.{rest:0{decimals}d}" if decimals else str(whole))
