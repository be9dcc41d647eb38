"""Members: enrol in bulk, leave and rejoin the boards, take another proxy name, be erased. Each is an event in the
ledger.
"""

from laurels.members.members import Members

__all__ = ["Members"]
