"""Awarding: documents from the inbox become ledger entries by the rules of the program.

`decide.py` judges a claim and is pure: the same claim gives the same outcome, and nothing is read or written.
`awarder.py` carries claims to it, one transaction a batch. `programs.py` holds the published versions, and words the
entries that they led to.
"""

from laurels.awarding.awarder import Awarder
from laurels.awarding.decide import decide
from laurels.awarding.programs import Programs, check_publishable, publish, published_programs
from laurels.awarding.refunds import refunds_of_old

__all__ = ["Awarder", "Programs", "check_publishable", "decide", "publish", "published_programs", "refunds_of_old"]
