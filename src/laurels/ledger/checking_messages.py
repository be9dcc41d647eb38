"""Milestones and messages that an engine found wrong: each follows from an entry, or from points that will lapse."""

from collections.abc import Iterable, Sequence
from typing import Any

from laurels.ledger.upkeep import Finding


def message_findings(milestones: Iterable[Sequence[Any]], messages: Iterable[Sequence[Any]]) -> list[Finding]:
    """Of the (member, name) of milestones, and the ids of messages."""
    passed = "its entry is not that member's of that time, or its message is not there as it was decided"
    told = "nobody reached the milestone that it tells of, or it lies apart from its member"
    return [
        *(Finding(f"milestone {name} of member number {member}", passed) for member, name in milestones),
        *(Finding(f"message {id_}", told) for [id_] in messages),
    ]
