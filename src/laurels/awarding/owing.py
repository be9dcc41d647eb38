"""What the shop owes its members in points, by state, as of an instant."""

from fractions import Fraction

from msgspec import Struct

from laurels.awarding.explaining import member_at
from laurels.awarding.programs import Programs
from laurels.errors import InvalidInput
from laurels.ledger import Upkeep
from laurels.model.currencies import DECIMALS
from laurels.model.money import format_amount
from laurels.program.liability import Outstanding, half_up


class Liability(Struct, frozen=True, kw_only=True):
    """Points `pending`, `active` (`held` is a part of that), and apart what members owe; `total` is the sum of all
    entries, what has lapsed by then taken off. `value` is what pending and active points are worth by currency, where
    the program says it; `expected` the part of it that it expects to be redeemed.
    """

    at: int
    pending: int
    active: int
    held: int
    owed: int
    total: int
    members: int
    value: dict[str, str]
    expected: dict[str, str]


async def liability(ledger: Upkeep, programs: Programs, at: int, now: int) -> Liability:
    """As of `at`, which is not before now: what was then is not kept. Costs by members. Raises `InvalidInput`."""
    if at < now:
        raise InvalidInput.of("at", "must not lie in the past: what members had then is not kept")
    whole, members = Outstanding(), 0
    async for chunk in ledger.accounts():
        for _, kept in chunk:
            state = member_at(kept, programs, at)
            active = state.active
            whole += Outstanding(state.waiting, max(0, active), state.held, max(0, -active))
            members += 1
    program, points = programs.at(at), whole.pending + whole.active
    share = Fraction(program.expected_redeemed, 1_000_000)
    return Liability(
        at=at,
        pending=whole.pending,
        active=whole.active,
        held=whole.held,
        owed=whole.owed,
        total=whole.total,
        members=members,
        value={currency: _worth(points * Fraction(each), currency) for currency, each in program.value},
        expected={currency: _worth(points * share * each, currency) for currency, each in program.value},
    )


def _worth(millionths: Fraction, currency: str) -> str:
    """Millionths of major units, rounded once to minor units."""
    return format_amount(half_up(millionths * 10 ** DECIMALS[currency] / 1_000_000), currency)
