"""Awarding: documents from the inbox become ledger entries by the rules of the program.

`decide.py` judges a claim and is pure: the same claim gives the same outcome, and nothing is read or written. Where
every published version is simple it goes by `orders.py` and keeps nothing but totals; else by `frames.py`, and each
member has a state, each order a frame. `awarder.py` carries claims to it, one transaction a batch. `programs.py` holds
the published versions, and words the entries that they led to.
"""

from laurels.awarding.approving import approve, extend, find_draft, rehearse_here, stop, submit
from laurels.awarding.awarder import Awarder
from laurels.awarding.baskets import basket_of, goods_of
from laurels.awarding.breakage import Breakage, breakage
from laurels.awarding.decide import decide
from laurels.awarding.explaining import OrderWorth, Quote, member_at, order_worth, quote
from laurels.awarding.foreseeing import Foreseen
from laurels.awarding.journal import Journal, JournalLine, journal
from laurels.awarding.keeping import Attributes, budgets_left, facts_of, program_state_of
from laurels.awarding.looking import SeenMember, members_at, tell_silent
from laurels.awarding.owing import Liability, liability
from laurels.awarding.programs import Programs, check_publishable, publish, published_programs
from laurels.awarding.recount import published_recount, recount_of
from laurels.awarding.refunds import refunds_of_old
from laurels.awarding.rehearsed import Rehearsal
from laurels.awarding.rehearsing import rehearse
from laurels.awarding.verifying import verify_in_depth
from laurels.awarding.verifying_again import verify_again
from laurels.awarding.weekly import WeeklyReport, week_of, weekly_report

__all__ = [
    "Attributes",
    "Awarder",
    "Breakage",
    "Foreseen",
    "Journal",
    "JournalLine",
    "Liability",
    "OrderWorth",
    "Programs",
    "Quote",
    "Rehearsal",
    "SeenMember",
    "WeeklyReport",
    "approve",
    "basket_of",
    "breakage",
    "budgets_left",
    "check_publishable",
    "decide",
    "extend",
    "facts_of",
    "find_draft",
    "goods_of",
    "journal",
    "liability",
    "member_at",
    "members_at",
    "order_worth",
    "program_state_of",
    "publish",
    "published_programs",
    "published_recount",
    "quote",
    "recount_of",
    "refunds_of_old",
    "rehearse",
    "rehearse_here",
    "stop",
    "submit",
    "tell_silent",
    "verify_again",
    "verify_in_depth",
    "week_of",
    "weekly_report",
]
