"""Which bonuses apply to an order, and to which of its lines, by the window, the place, and who the member was; and
what each is worth when the order is awarded.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from laurels.clock import DAY
from laurels.program.basket import Basket, MemberFacts
from laurels.program.caps import Rooms
from laurels.program.frame import GROUP, NO_ROOM_SAID, TIER, Bonus, encode_part
from laurels.program.grains import MILLI
from laurels.program.local_time import day_text, local_of, near_birthday
from laurels.program.rules import Campaign, Where
from laurels.program.state import Account
from laurels.program.worth import Goods, bonus_name, worth_of_bonus, worth_of_campaign

if TYPE_CHECKING:
    from laurels.program.program import Program


class Moment:
    """An order's moment: what its bonuses may ask."""

    __slots__ = ("account", "basket", "day", "person", "program", "rooms", "tier")

    def __init__(
        self,
        program: "Program",
        basket: Basket,
        account: Account,
        person: MemberFacts,
        budgets: Mapping[str, int],
        *,
        tier: int,
    ) -> None:
        self.program = program
        self.basket = basket
        self.account = account
        self.person = person
        self.day = day_text(basket.occurred_at, program.zone)
        self.rooms = Rooms(program, account, self.day, budgets)
        self.tier = tier

    def applies(self, number: int) -> bool:
        """Whether a campaign that asks for more than its window and its lines gets it."""
        return _asked(self, self.program.campaigns[number])

    @property
    def local(self) -> datetime:
        """The time by the program's clock."""
        return local_of(self.basket.occurred_at, self.program.zone)


class Applied(Struct, gc=False):
    """The bonuses that apply to an order as it is awarded, and what it earns, in units of its program: `base`, and all
    together. `parts` in the order of a frame; those of them that have a limit; those that it bound, each the room that
    was left; and every bonus as the frame keeps it.
    """

    base: int
    whole: int
    parts: list[tuple[str, int]]
    limited: list[tuple[str, int]]
    bound: list[tuple[str, int]]
    pieces: list[bytes]

    def add(self, name: str, worth: int, room: int | None, piece: bytes, unit: int) -> None:
        """One more, before its limit, `room` in grains; `piece` is all of its bytes but its room's."""
        if room is None:
            self.pieces.append(piece + NO_ROOM_SAID)
            self.parts.append((name, worth))
        else:
            self.pieces.append(piece + encode_part(room))
            left = room // unit
            if worth >= left:
                worth = left
                self.bound.append((name, left))
            self.parts.append((name, worth))
            self.limited.append((name, worth))
        self.whole += worth


Grouped = list[tuple[int, tuple[int, ...]]]
"""Campaigns of groups, and their lines."""


def apply(moment: Moment, goods: Goods, hits: list[tuple[int, ...]]) -> tuple[Applied, Grouped]:
    """The campaigns that apply, with what each is worth of all the goods, and the room of its caps; those of groups
    apart. `hits` are the matches that fit each line (`Plan.classes`). What `native.judge` does too, by other means.

    Most campaigns only multiply, and many multiply the same lines by the same: of those the worth, and the bytes of the
    lines, are made once.
    """
    plan = moment.program.plan
    names, lines_of, worths = plan.names, _lines_of(hits), dict[int, int]()
    base, unit = goods.count(None, 0), goods.unit
    applied = Applied(base, base, [], [], [], [])
    grouped: Grouped = []
    for number, match, asks, group, limited, alike, head in plan.running(moment.basket.occurred_at):
        if match not in lines_of or (asks and not moment.applies(number)):
            continue
        lines, written = lines_of[match]
        if group is not None:
            grouped.append((number, lines))
            continue
        if alike is None:
            worth = worth_of_campaign(goods, number, lines) // unit
        else:
            worth = worths.get(alike, -1)
            if worth < 0:
                worth = worths[alike] = goods.count(lines, plan.more[number] or 0)
        applied.add(names[number], worth, moment.rooms.of(names[number]) if limited else None, head + written, unit)
    return applied, grouped


def apply_best(applied: Applied, moment: Moment, goods: Goods, grouped: Grouped, rates: Sequence[int]) -> None:
    """Groups, of which the best campaign counts, and the tier's multiplier. `rates` is each line's."""
    program, of_group = moment.program, moment.program.plan.group_of
    taking: dict[int, dict[int, tuple[int, ...]]] = {}
    for number, lines in grouped:
        group = of_group[number]
        assert group is not None, "it is of a group"
        taking.setdefault(group, {})[number] = lines
    for group in sorted(taking):
        left = moment.rooms.of(program.groups[group].name)
        _add(applied, goods, Bonus(GROUP, group, _parts(program, group, taking[group]), left))
    if multiplies(moment):
        earning = tuple([line for line, rate in enumerate(rates) if rate >= 0])
        if earning:
            _add(applied, goods, Bonus(TIER, moment.tier, ((-1, earning),)))


def multiplies(moment: Moment) -> bool:
    """Whether the tier of an order multiplies its points."""
    tiers = moment.program.tiers
    return moment.tier >= 0 and tiers is not None and tiers.levels[moment.tier].multiply > MILLI


def _add(applied: Applied, goods: Goods, bonus: Bonus) -> None:
    worth, name = worth_of_bonus(goods, bonus) // goods.unit, bonus_name(goods.program, bonus)
    piece = encode_part(replace(bonus, room=None))[: -len(NO_ROOM_SAID)]
    applied.add(name, worth, bonus.room, piece, goods.unit)


def _lines_of(hits: list[tuple[int, ...]]) -> dict[int, tuple[tuple[int, ...], bytes]]:
    """The lines that each match fits, and how a frame says them."""
    fitting: dict[int, list[int]] = {}
    for line, matching in enumerate(hits):
        for match in matching:
            if match in fitting:
                fitting[match].append(line)
            else:
                fitting[match] = [line]
    return {match: (tuple(lines), encode_part(lines)) for match, lines in fitting.items()}


def _parts(
    program: "Program", group: int, taking: Mapping[int, tuple[int, ...]]
) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """The campaigns of a group and their lines. By line, each line goes to its highest multiplier, for good."""
    rules = program.campaigns
    if program.groups[group].scope == "order":
        numbers = sorted(taking, key=lambda n: (rules[n].priority, rules[n].name))
        return tuple([(number, taking[number]) for number in numbers])
    numbers = sorted(taking, key=lambda n: (-(rules[n].multiply or 0), rules[n].priority, rules[n].name))
    gone: set[int] = set()
    parts = []
    for number in numbers:
        lines = tuple([line for line in taking[number] if line not in gone])
        gone.update(lines)
        if lines:
            parts.append((number, lines))
    return tuple(parts)


def _asked(moment: Moment, campaign: Campaign) -> bool:
    if (campaign.days or campaign.hours is not None) and not _at_this_time(campaign, moment.local):
        return False
    if campaign.holdout and _held_out(campaign, moment.person):
        return False
    where = campaign.where
    return _of_order(moment, where) and _of_member(moment, where)


def _at_this_time(campaign: Campaign, local: datetime) -> bool:
    """Whether it is one of a campaign's days, and in its hours."""
    if campaign.days and local.weekday() not in campaign.days:
        return False
    if campaign.hours is not None:
        minutes = local.hour * 60 + local.minute
        return campaign.hours[0] <= minutes < campaign.hours[1]
    return True


def _of_order(moment: Moment, where: Where) -> bool:
    basket = moment.basket
    for wanted, have in (
        (where.channel, basket.channel),
        (where.source, basket.source),
        (where.region, basket.region),
        (where.store, basket.store),
    ):
        if wanted and have not in wanted:
            return False
    if where.coupon and where.coupon.isdisjoint(basket.coupons):
        return False
    if where.payment and not any(payment.method in where.payment for payment in basket.payments):
        return False
    if where.total_max:
        most = dict(where.total_max).get(basket.currency)
        return most is not None and basket.total <= most
    return True


def _of_member(moment: Moment, where: Where) -> bool:
    person, number = moment.person, moment.account.orders + 1
    if where.tier and _tier_name(moment) not in where.tier:
        return False
    if where.segment and where.segment.isdisjoint(person.segments):
        return False
    if where.nth_order not in {None, number} or number % (where.every_nth_order or 1):
        return False
    if where.referred not in {None, person.referred}:
        return False
    return _of_day(moment, where)


def _of_day(moment: Moment, where: Where) -> bool:
    """What the member's dates have to be on the order's day."""
    since, birthday = moment.person.enrolled_at, moment.person.birthday
    if where.member_for_days is not None and (
        since is None or moment.basket.occurred_at - since < where.member_for_days * DAY
    ):
        return False
    return where.birthday_within_days is None or (
        birthday is not None and near_birthday(birthday, moment.local.date(), where.birthday_within_days)
    )


def _tier_name(moment: Moment) -> str | None:
    tiers = moment.program.tiers
    return None if tiers is None or moment.tier < 0 else tiers.levels[moment.tier].name


def _held_out(campaign: Campaign, person: MemberFacts) -> bool:
    """Whether a member is of the share that gets nothing of a campaign: by a hash, so always the same members."""
    digest = blake2b(campaign.name.encode(), key=person.draw, digest_size=8).digest()
    return bool(person.draw) and int.from_bytes(digest, "big") % 10_000 < campaign.holdout
