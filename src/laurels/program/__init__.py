"""The program: the shop's rules as data, and pure functions that apply them. Rounding lives here and nowhere else.

A program is TOML, validated when it is read, and immutable once published under its version. Entries name the
version that they were made under; a refund is judged by the version of its order, whatever is in force today.
"""

from laurels.program.earning import Earned, Reversed, earn, points_of, reverse, reverse_unlinked
from laurels.program.program import DEFAULT_PROGRAM, EarningRule, Milestone, Program, parse_program
from laurels.program.wording import reason_of

__all__ = [
    "DEFAULT_PROGRAM",
    "Earned",
    "EarningRule",
    "Milestone",
    "Program",
    "Reversed",
    "earn",
    "parse_program",
    "points_of",
    "reason_of",
    "reverse",
    "reverse_unlinked",
]
