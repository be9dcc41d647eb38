"""Awarding: documents from the inbox become ledger entries by the rules of the program.

`decide.py` judges a claim and is pure: the same claim gives the same outcome, and nothing is read or written.
`awarder.py` carries claims to it, one transaction a batch.
"""

from laurels.awarding.awarder import Awarder
from laurels.awarding.decide import decide
from laurels.awarding.programs import Programs, publish

__all__ = ["Awarder", "Programs", "decide", "publish"]
