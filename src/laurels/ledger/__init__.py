"""The ledger's port: what every ledger promises, in prose and in types. It is the only truth; the rest is a view of it.

What holds on every engine, at every moment, whoever dies:

* **Accepting is idempotent for ever** on (source, kind, id). The same content again gives the first answer; other
  content under a used id is a conflict and changes nothing.
* **What was acknowledged stays.** `accept` and `settle` return after the commit is on disk.
* **Entries never change**, and each carries the hash of the one before it. A balance is the sum of its member's
  entries.
* **Members are in the ledger.** A number is given when a member's first document is accepted: increasing, unique, never
  reused. Enrol, hide, show, rename, contact, merge and erase are entries beside the point entries.
* **A name number follows from the member's id** and its renames under the names' key, not from the order in which
  members came (those of version 0.1 stay). The ledger knows its key: it is opened under no other one.
* **A member's shard is a function of its id**, and the number of shards is for ever as the ledger was made.
* **Positions are commit order.** Each shard numbers its entries 1, 2, 3 … under the shard's lock, so whoever has
  read up to a position has seen everything before it. There are no gaps.
* **One transaction.** What leaves the inbox, the entries, balances, milestones, and the new head are committed
  together.
* **A shard's inbox is taken in order of acceptance**, so a member's documents are awarded in that order.
* **Nothing is dropped.** What cannot be awarded is quarantined with its raw bytes and its reason, and stays until an
  operator decides.
* **What people do is recorded**: a change in its own transaction, a look before it is answered (`audit.py`).
* **A ledger has an identity and an epoch**, so that a view which followed another one notices.
"""

from laurels.ledger.audit import Act, AuditLog, AuditRow, Recording, recording, unrecorded
from laurels.ledger.books import Books, TakesIn
from laurels.ledger.casework import Casework, Customer, FoundDocument, Timeline, TimelineEntry
from laurels.ledger.claim import (
    ENDS_OF_HOLDS,
    OF_HOLD,
    Award,
    Claim,
    Decide,
    DecidesPlainOrders,
    DocumentKey,
    Due,
    Item,
    MemberState,
    Onward,
    OrderKey,
    Outcome,
    PlainOrders,
    Posting,
    Quarantined,
    Reached,
    RedemptionKey,
    RedemptionState,
    Reminded,
    ended_otherwise,
    named_by,
)
from laurels.ledger.feed import Checkpoint, Feed, Heads, MemberTotals, Passed
from laurels.ledger.followers import Followers
from laurels.ledger.inbox import Counts, DocumentState, Inbox, Receipt, is_some_in
from laurels.ledger.members import MemberRegistry
from laurels.ledger.names import NAMES, NameNumbers
from laurels.ledger.outbox import Message, MessageState, Outbox
from laurels.ledger.people import FoundMember, Kept, KeptDocument, KeptEntry, KeptPurchase, People
from laurels.ledger.port import Ledger
from laurels.ledger.program_log import ProgramAct, ProgramEvent
from laurels.ledger.programs import OTHER_RULES, Draft, ProgramStore, PublishedProgram
from laurels.ledger.quarantine import Quarantine, QuarantinedDocument
from laurels.ledger.shards import shard_of
from laurels.ledger.upkeep import Awarded, Finding, Fits, OldRules, Progress, Recount, Upgrade, Upkeep, Verification

__all__ = [
    "ENDS_OF_HOLDS",
    "NAMES",
    "OF_HOLD",
    "OTHER_RULES",
    "Act",
    "AuditLog",
    "AuditRow",
    "Award",
    "Awarded",
    "Books",
    "Casework",
    "Checkpoint",
    "Claim",
    "Counts",
    "Customer",
    "Decide",
    "DecidesPlainOrders",
    "DocumentKey",
    "DocumentState",
    "Draft",
    "Due",
    "Feed",
    "Finding",
    "Fits",
    "Followers",
    "FoundDocument",
    "FoundMember",
    "Heads",
    "Inbox",
    "Item",
    "Kept",
    "KeptDocument",
    "KeptEntry",
    "KeptPurchase",
    "Ledger",
    "MemberRegistry",
    "MemberState",
    "MemberTotals",
    "Message",
    "MessageState",
    "NameNumbers",
    "OldRules",
    "Onward",
    "OrderKey",
    "Outbox",
    "Outcome",
    "Passed",
    "People",
    "PlainOrders",
    "Posting",
    "ProgramAct",
    "ProgramEvent",
    "ProgramStore",
    "Progress",
    "PublishedProgram",
    "Quarantine",
    "Quarantined",
    "QuarantinedDocument",
    "Reached",
    "Receipt",
    "Recording",
    "Recount",
    "RedemptionKey",
    "RedemptionState",
    "Reminded",
    "TakesIn",
    "Timeline",
    "TimelineEntry",
    "Upgrade",
    "Upkeep",
    "Verification",
    "ended_otherwise",
    "is_some_in",
    "named_by",
    "recording",
    "shard_of",
    "unrecorded",
]
