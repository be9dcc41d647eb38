"""The rules of plain orders for the native core, where it is installed and every published version is simple.

`decide` says what has to come out, and judges all else: refunds, whatever waits or is refused, members of whom more is
kept than totals.
"""

from collections.abc import Sequence
from importlib.util import find_spec

import msgspec

from laurels.leaderboard import Boards
from laurels.leaderboard.boards import LATE
from laurels.ledger import PlainOrders
from laurels.model import Order
from laurels.program import Program

if find_spec("laurels_core") is not None:
    import laurels_core as core
else:
    core = None  # type: ignore[assignment]

_SINCE_EVER = -(2**63)


def plain_orders(in_order: Sequence[tuple[int | None, Program]], boards: Boards) -> PlainOrders | None:
    """The rules of (in force from, program), the newest last. None where the core cannot have them, or is not there."""
    if not hasattr(core, "PlainOrders") or not all(program.simple for _, program in in_order):
        return None
    from_at = [_SINCE_EVER if at is None else at for at, _ in in_order]
    if from_at[1:] != sorted(from_at[1:]):
        return None
    try:
        of_core = core.PlainOrders(
            versions=[_version(at, program) for at, (_, program) in zip(from_at, in_order, strict=True)],
            months=boards.months(),
            late=LATE,
            decode=msgspec.json.Decoder(Order).decode,
        )
    except OverflowError:  # rates beyond 64 bits
        return None
    return PlainOrders(in_order[-1][1].version, of_core)


def _version(from_at: int, program: Program) -> "core.VersionTuple":
    earn = program.earn
    milestones = [(milestone.name, milestone.above) for milestone in program.milestones]
    return program.version, from_at, earn.points, earn.rounding, list(earn.per.items()), milestones
