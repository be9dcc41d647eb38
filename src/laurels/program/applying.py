"""Which bonuses apply to an order, and to which of its lines, by the window, the place, and who the member was; and
what each is worth when the order is awarded.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from laurels.clock import DAY
from laurels.program.basket import Basket, MemberFacts
from laurels.program.caps import room
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

    __slots__ = ("account", "basket", "budgets", "day", "person", "program", "tier")

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
        self.budgets = budgets
        self.day = day_text(basket.occurred_at, program.zone)
        self.tier = tier

    @property
    def local(self) -> datetime:
        """The time by the program's clock."""
        return local_of(self.basket.occurred_at, self.program.zone)


class Applied(Struct, gc=False):
    """The bonuses that apply to an order as it is awarded: their parts in its goods' units; those parts that a limit
    bound, each the room that was left; and every bonus as the frame keeps it.
    """

    parts: list[tuple[str, int]]
    bound: list[tuple[str, int]]
    pieces: list[bytes]

    def add(self, goods: Goods, name: str, worth: int, room: int | None, piece: bytes) -> None:
        """One more, before its limit, `room` in grains; `piece` is all of its bytes but its room's."""
        if room is None:
            self.pieces.append(piece + NO_ROOM_SAID)
        else:
            self.pieces.append(piece + encode_part(room))
            left = room // goods.unit
            if worth >= left:
                worth = left
                self.bound.append((name, left))
        self.parts.append((name, worth))


def apply(moment: Moment, goods: Goods, rates: list[int], hits: list[tuple[int, ...]]) -> Applied:
    """The bonuses that apply, with what each is worth of all the goods, and the room of its caps. `rates` and `hits`
    are each line's rate and the matches that fit it (`Plan.classes`).

    Most campaigns only multiply, and many multiply the same lines by the same: of those the worth, and the bytes of the
    lines, are made once.
    """
    program, plan = moment.program, moment.program.plan
    names, lines_of, worths = plan.names, _lines_of(hits), dict[int, int]()
    applied = Applied([], [], [])
    parts, pieces = applied.parts, applied.pieces
    grouped: dict[int, dict[int, tuple[int, ...]]] = {}
    for number, match, asks, group, limited, alike, head in plan.running(moment.basket.occurred_at):
        if match not in lines_of or (asks and not _asked(moment, program.campaigns[number])):
            continue
        lines, written = lines_of[match]
        if group is not None:
            grouped.setdefault(group, {})[number] = lines
            continue
        if alike is None:
            worth = worth_of_campaign(goods, number, lines) // goods.unit
        else:
            worth = worths.get(alike, -1)
            if worth < 0:
                worth = worths[alike] = goods.count(lines, plan.more[number] or 0)
        if limited:
            left = room(program, moment.account, names[number], moment.day, moment.budgets)
            applied.add(goods, names[number], worth, left, head + written)
        else:
            parts.append((names[number], worth))
            pieces.append(head + written + NO_ROOM_SAID)
    for group in sorted(grouped):
        left = room(program, moment.account, program.groups[group].name, moment.day, moment.budgets)
        _add(applied, goods, Bonus(GROUP, group, _parts(program, group, grouped[group]), left))
    if moment.tier >= 0 and program.tiers is not None and program.tiers.levels[moment.tier].multiply > MILLI:
        earning = tuple([line for line, rate in enumerate(rates) if rate >= 0])
        if earning:
            _add(applied, goods, Bonus(TIER, moment.tier, ((-1, earning),)))
    return applied


def _add(applied: Applied, goods: Goods, bonus: Bonus) -> None:
    worth, name = worth_of_bonus(goods, bonus) // goods.unit, bonus_name(goods.program, bonus)
    applied.add(goods, name, worth, bonus.room, encode_part(replace(bonus, room=None))[: -len(NO_ROOM_SAID)])


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
