"""The program: the shop's rules as data, and pure functions that apply them. Rounding lives here and nowhere else.

A program is TOML, validated when it is read, and immutable once published under its version. Entries name the
version that they were made under; a refund is judged by the version of its order, whatever is in force today.

`evaluate` judges an order in the frame of its moment, `unwind` a refund in the frame of its order; `redeem`, `hold` and
the rest move a member's points. States and frames are values that engines keep as bytes and never read into.
"""

from laurels.model.details import Details
from laurels.model.lines import Payment, ReturnLine
from laurels.program.basket import NOBODY, Basket, BasketLine, MemberFacts
from laurels.program.details import word_beyond, word_cancelled, word_earn, word_reverse, word_unlinked
from laurels.program.doubts import doubts
from laurels.program.earning import Earned, Reversed, earn, points_of, reverse, reverse_unlinked
from laurels.program.evaluate import Evaluation, evaluate
from laurels.program.explaining import LineOf, explain, lines_of, payable, payable_points
from laurels.program.extending import check_extensions, with_extension
from laurels.program.frame import NOTHING, Frame, Refunded
from laurels.program.grains import GRAIN, format_grains
from laurels.program.lots import free_lots, next_due, touch
from laurels.program.moving import Merge, give, merge, receive
from laurels.program.opening import frame_of
from laurels.program.program import DEFAULT_PROGRAM, EarningRule, Program, parse_program
from laurels.program.publishing import (
    Difference,
    check_counted,
    check_successor,
    differences,
    names_categories,
    unseen,
    version_at,
)
from laurels.program.reminding import Reminder, lapses_of, next_look, reminders
from laurels.program.spending import StateChange, adjust, capture, grant_tier, hold, redeem, restore, void
from laurels.program.state import NEW, Lapse, ProgramState, Spent
from laurels.program.stopping import stopped
from laurels.program.tables import Milestone
from laurels.program.tiers import TierProgress, reached, tier_at, tier_progress, tier_until
from laurels.program.unwind import Return, Reversal, cancel, unwind, unwind_unlinked
from laurels.program.wording import reason_of
from laurels.program.worth import Worth, worth

__all__ = [
    "DEFAULT_PROGRAM",
    "GRAIN",
    "NEW",
    "NOBODY",
    "NOTHING",
    "Basket",
    "BasketLine",
    "Details",
    "Difference",
    "Earned",
    "EarningRule",
    "Evaluation",
    "Frame",
    "Lapse",
    "LineOf",
    "MemberFacts",
    "Merge",
    "Milestone",
    "Payment",
    "Program",
    "ProgramState",
    "Refunded",
    "Reminder",
    "Return",
    "ReturnLine",
    "Reversal",
    "Reversed",
    "Spent",
    "StateChange",
    "TierProgress",
    "Worth",
    "adjust",
    "cancel",
    "capture",
    "check_counted",
    "check_extensions",
    "check_successor",
    "differences",
    "doubts",
    "earn",
    "evaluate",
    "explain",
    "format_grains",
    "frame_of",
    "free_lots",
    "give",
    "grant_tier",
    "hold",
    "lapses_of",
    "lines_of",
    "merge",
    "names_categories",
    "next_due",
    "next_look",
    "parse_program",
    "payable",
    "payable_points",
    "points_of",
    "reached",
    "reason_of",
    "receive",
    "redeem",
    "reminders",
    "restore",
    "reverse",
    "reverse_unlinked",
    "stopped",
    "tier_at",
    "tier_progress",
    "tier_until",
    "touch",
    "unseen",
    "unwind",
    "unwind_unlinked",
    "version_at",
    "void",
    "with_extension",
    "word_beyond",
    "word_cancelled",
    "word_earn",
    "word_reverse",
    "word_unlinked",
    "worth",
]
