"""What the console says, in one place: words for people. `formats` writes numbers, money and times.

Points are "to spend", a reversal is "taken back", a restoration "given back", an adjustment a "correction", a member a
"customer".
"""

import re
from collections.abc import Mapping
from typing import Any

KINDS: Mapping[str, tuple[str, str]] = {
    "earn": ("Order", "bag"),
    "reverse": ("Taken back", "back"),
    "adjust": ("Correction", "pen"),
    "redeem": ("Spent", "gift"),
    "expire": ("Lapsed", "clock"),
    "restore": ("Given back", "gift"),
    "merge": ("Joined with another customer", "user"),
    "transfer": ("Given to or from another customer", "gift"),
    "hold": ("Held for a till", "clock"),
    "void": ("No longer held", "back"),
}
"""What an entry is called, and its icon, by its kind."""

FILTERS: Mapping[str, tuple[str, str]] = {
    "all": ("All", ""),
    "orders": ("Orders and refunds", "earn,reverse"),
    "spent": ("Spent", "redeem,restore"),
    "corrections": ("Corrections", "adjust"),
    "lapsed": ("Lapsed", "expire"),
}
"""The tabs over a timeline, and the kinds that each shows."""

MOVED: Mapping[str, str] = {
    "earn": "Earned",
    "reverse": "Taken back",
    "redeem": "Spent",
    "restore": "Given back",
    "expire": "Lapsed",
    "adjust": "Corrected",
    "merge": "Joined",
    "transfer": "Given between customers",
}
"""The lines of a statement, in their order."""

HITS: Mapping[str, str] = {
    "customer": "Customer with this id",
    "e-mail": "Customer with this address",
    "name": "Customer with this name on the boards",
    "prefix": "Id begins so",
    "order": "Order",
    "refund": "Refund",
    "redemption": "Redemption",
    "adjustment": "Correction",
    "amendment": "Change of an order",
    "cancellation": "Cancelled refund",
    "restoration": "Points given back",
    "expiry": "Lapse of points",
    "hold": "Points held for a till",
    "capture": "Held points that were spent",
    "void": "Held points that were let go",
    "transfer": "Points given to another customer",
    "given": "Points from another customer",
    "grant": "Tier that was given",
    "message": "Message",
}

TRIED: Mapping[str, str] = {
    "customer": "the id of a customer",
    "document": "the number of an order, a refund, a redemption or a correction",
    "e-mail": "an e-mail address",
    "name": "a name on the boards",
    "prefix": "the beginning of an id",
}
"""What a search looked for, by the kinds that the API names."""

QUARANTINED: Mapping[str, str] = {
    "order": "Orders",
    "refund": "Refunds",
    "amendment": "Changes of orders",
    "cancellation": "Cancelled refunds",
    "adjustment": "Corrections",
    "message": "Messages that cannot be read",
}
"""What may lie on the work list, by kind."""

CHANNELS: Mapping[str, str] = {"web": "web", "mobile": "app", "store": "store"}
"""Where customers order."""

MESSAGES: Mapping[str, str] = {
    "due": "is being sent",
    "held": "waits for an address",
    "sent": "sent",
    "undeliverable": "could not be delivered",
    "dropped": "dropped",
}

ACTIONS: Mapping[str, str] = {
    "show_customer": "looked at the customer",
    "show_member": "looked at the customer, by id",
    "show_timeline": "looked at what moved the customer's points",
    "show_contact": "saw the contact",
    "find_customers": "searched",
    "adjust": "corrected points",
    "cancel_redemption": "gave points back",
    "cancel_refund": "cancelled a refund",
    "hide": "hid the customer from boards",
    "show": "showed the customer on boards",
    "rename": "gave another board name",
    "erase": "erased the customer",
    "merge": "joined two customers",
    "set_contact": "changed the contact",
    "show_audit": "looked at the log",
    "show_people": "looked at who works here",
    "list_quarantine": "looked at the work list",
    "show_quarantined": "looked at a document",
    "retry_quarantined": "tried a document again",
    "drop_quarantined": "gave a document up",
    "export_movement": "fetched a statement",
    "export_movement_as_parquet": "fetched a statement as Parquet",
    "correct_many": "corrected points from a file",
    "erase_many": "asked to erase customers from a file",
    "propose_correction": "asked for a correction",
    "show_proposal": "looked at a proposal",
    "approve_proposal": "approved a proposal",
    "reject_proposal": "rejected a proposal",
    "start_job": "started a job",
    "stop_job": "stopped a job",
    "show_job_file": "fetched what a job gave",
    "submit_program": "submitted rules",
    "rehearse_program": "rehearsed rules",
    "approve_program": "approved rules",
    "stop_campaign": "ended a campaign",
    "extend_points": "submitted that points live longer",
    "list_programs": "looked at the rules",
    "show_program": "looked at rules",
    "compare_programs": "compared rules",
    "list_messages": "looked at messages",
    "retry_message": "sent a message again",
    "show_entries": "looked at the customer's entries",
    "show_balance": "looked at the customer's balance",
    "show_dashboard": "looked at the customer's dashboard",
    "follow_dashboard": "followed the customer's dashboard",
    "show_member_timeline": "looked at what moved the customer's points, by id",
    "show_member_contact": "saw the contact, by id",
    "export_member": "fetched all that is kept of the customer",
    "find_members": "listed customers",
    "show_order": "looked at an order",
    "explain_order": "asked why an order earned its points",
    "show_refund": "looked at a refund",
    "quote_order": "asked what an order would earn",
    "place_order": "handed an order in",
    "place_orders": "handed orders in",
    "amend_order": "changed an order",
    "refund_order": "refunded an order",
    "refund_member": "refunded a customer",
    "redeem": "spent points for the customer",
    "redeem_pool": "spent points of several customers",
    "hold_points": "held points",
    "capture_hold": "spent held points",
    "void_hold": "let held points go",
    "transfer_points": "gave points to another customer",
    "adjust_many": "corrected points in bulk",
    "set_attributes": "changed what is known of the customer",
    "grant_tier": "gave a tier",
    "enrol": "enrolled customers",
    "list_events": "read events",
}

OUTCOMES: Mapping[str, str] = {
    "done": "done",
    "repeated": "nothing changed, it was so already",
    "checked": "nothing changed, looked at what it would do",
}
"""What came of what somebody did, where it is no sentence of its own."""

WRITTEN: Mapping[str, str] = {
    "points": "Points",
    "reason": "Reason, for colleagues",
    "note": "Note, for the customer",
    "until": "Until",
    "why": "Reason, for colleagues",
    "text": "The rules",
    "q": "What you looked for",
    "first": "Points that lapse from",
    "last": "and before",
    "from": "From",
    "at": "At the beginning of",
    "of": "A day of the week",
}
"""What people write into forms themselves, by its field."""

REFUSALS: Mapping[int, str] = {
    400: "Nothing was changed: what was sent is not a form that this console made. Go back, load the page anew.",
    405: "Nothing was changed: this address takes no such request.",
    413: "Nothing was changed: what was sent is larger than this page takes. Cut the file in two.",
}
"""Why something was not taken, by the answer's status."""

CAUSES: Mapping[str, str] = {
    "": "anything",
    "currency": "a currency that the rules do not name",
    "another-currency": "a refund in another currency than its order",
    "another-member": "another customer than the order's",
    "no-order": "an order that never came",
    "unreadable": "a message that cannot be read",
    "points-out-of-range": "more points than a customer can have",
    "not-enrolled": "a customer who is not known",
    "revision": "a change that is older than another",
    "lines": "lines that do not fit",
    "other": "something else",
}
"""Why documents wait, by cause."""

REMEDIES: Mapping[str, str] = {
    "currency": "New rules hold for later orders alone: correct the points by hand, and give this one up.",
    "another-currency": "Have the shop send the refund in the order's currency under another id; give this one up.",
    "another-member": "Ask the shop which customer it is, and have it send the refund again under another id.",
    "no-order": "Have the order sent; its refund is tried again by itself then, or here.",
    "unreadable": "Have the sender correct the message, and send it again; give this one up.",
    "points-out-of-range": "Look at the customer: a correction makes room.",
    "not-enrolled": "Enrol the customer, then try it again.",
    "revision": "A later change of the order is there already: give this one up.",
    "lines": "Have the shop send lines that add up, under another id; give this one up.",
    "other": "Open one and read why.",
}
"""What usually removes a cause."""

JOBS: Mapping[str, str] = {
    "retry": "Documents tried again",
    "verify": "Check of the ledger",
    "liability": "What is owed in points",
    "journal": "Journal of points",
    "week": "Monday report",
    "roll-ups": "Sums of reports made anew",
}

EXPORTS: Mapping[str, str] = {"entries": "Entries", "log": "Log"}
"""What is exported by a job."""

JOB_STATES: Mapping[str, str] = {
    "proposed": "Waits for the approval of another person",
    "ready": "Waits for its turn",
    "running": "Under way",
    "done": "Done",
    "failed": "Broke off",
    "stopped": "Stopped",
    "rejected": "Rejected",
}

PROGRAM_ACTS: Mapping[str, str] = {
    "submit": "Submitted",
    "rehearse": "Rehearsed",
    "approve": "Approved",
    "publish": "Published",
    "stop": "Ended a campaign by",
}
"""What is done with a version of the rules."""

ROLES: Mapping[str, str] = {
    "viewer": "Viewer",
    "support": "Support",
    "lead": "Support lead",
    "program": "Program",
    "approver": "Approver",
    "finance": "Finance",
    "operator": "Operator",
    "auditor": "Auditor",
}

ROLE_STATES: Mapping[str, str] = {
    "running": "runs",
    "waiting": "waits for the ledger or the leaderboard",
    "failing": "fails and is tried again",
    "down": "is being started again",
}


_MEMBERS = re.compile(r"(?<![\w:.`-])([Mm])ember(s?)(?!\w|:\S|[.`-]\w)")


def for_people(text: str) -> str:
    """What the API says, in the console's words: a member is a customer. Names of fields and of scopes stay."""
    return _MEMBERS.sub(lambda found: f"{'C' if found[1] == 'M' else 'c'}ustomer{found[2]}", text)


def did(row: Mapping[str, Any]) -> str:
    """What a row of the log says that somebody did."""
    if row["outcome"] == "checked":
        return "looked at what a change would do"
    return ACTIONS.get(row["action"], row["action"])


def thing(text: str) -> str:
    """What a row of the log is of, such as order A1 of shop."""
    for written, said in _THINGS:
        if (found := written.fullmatch(text)) is not None:
            return said.format(*found.groups())
    return text


_THINGS = (
    (re.compile(r"kind=(\S*) source=(.*?) id=(.*)", re.DOTALL), "{0} {2} of {1}"),
    (re.compile(r"order_id=(.*?) refund_id=(.*)", re.DOTALL), "refund {1} of order {0}"),
    (re.compile(r"([a-z]+)_id=(.*)", re.DOTALL), "{0} {1}"),
    (re.compile(r"job=(.*)"), "job {0}"),
    (re.compile(r"which=(\d+)"), "version {0}"),
    (re.compile(r"which=(.{1,12}).*"), "rules {0}"),
)


def rules_done(text: str, own: str) -> str:
    """What a week's report says that was done with the rules, such as: Approved version 2, by niamh."""
    done = _RULES_DONE.fullmatch(text)
    if done is None:
        return text
    act, version, by = done.groups()
    return f"{PROGRAM_ACTS.get(act, act)} version {version}, {actor(by, own)}"


_RULES_DONE = re.compile(r"(\S+) version (\d+) by (.*)", re.DOTALL)


def actor(text: str | None, own: str) -> str:
    """Who did it: the person who looks, another one, the customer, or a system."""
    if text is None:
        return ""
    if text == "member":
        return "by the customer"
    asked, approved, by = text.partition(" approved by ")
    if approved:
        return f"{actor(asked, own)}, approved {actor(by, own)}"
    sub = text.removeprefix("person:")
    if sub == text:
        return f"by {text}"
    return "by you" if sub == own else f"by {sub}"
