"""Awarding: documents from the inbox become ledger entries by the rules of the program.

`decide.py` judges a claim and is pure: the same claim gives the same outcome, and nothing is read or written. Where
every published version is simple it goes by `orders.py` and keeps nothing but totals; else by `frames.py`, and each
member has a state, each order a frame. `awarder.py` carries claims to it, one transaction a batch. `programs.py` holds
the published versions, and words the entries that they led to.
"""

from laurels.awarding.awarder import Awarder
from laurels.awarding.decide import decide
from laurels.awarding.explaining import OrderWorth, member_at, order_worth
from laurels.awarding.programs import Programs, check_publishable, publish, published_programs
from laurels.awarding.recount import published_recount, recount_of
from laurels.awarding.refunds import refunds_of_old

__all__ = [
    "Awarder",
    "OrderWorth",
    "Programs",
    "check_publishable",
    "decide",
    "member_at",
    "order_worth",
    "publish",
    "published_programs",
    "published_recount",
    "recount_of",
    "refunds_of_old",
]
