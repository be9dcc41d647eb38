"""What to say of a document whose id was used before with other content."""

from collections.abc import Mapping

import msgspec

from laurels.errors import Conflict
from laurels.intake.differing import differing_fields
from laurels.ledger import DocumentState, Inbox
from laurels.model import Document, DocumentKind, Entry
from laurels.model.details import hold_details

WIRE_NAMES: Mapping[str, str] = {"points": "loyalty-points"}
"""Fields of adjustments that the wire calls otherwise."""

_SIGNS = {
    DocumentKind.ADJUSTMENT: 1,
    DocumentKind.REDEMPTION: -1,
    DocumentKind.CAPTURE: -1,
    DocumentKind.TRANSFER: -1,
}
"""Of these, and of holds, the entry says what the document said: its points by this sign, and people's words."""


class _Compared(msgspec.Struct):
    points: int | None = None
    reason: str = ""
    note: str = ""


async def conflict_of(ledger: Inbox, document: Document, names: Mapping[str, str] | None = None) -> Conflict:
    """The conflict, with the fields that differ from what came first, as the wire names them; none where what came
    first is kept no more. Costs a look-up.
    """
    first = await ledger.document(document.kind, document.source, document.id)
    if first is None or first.member_id is None:
        return Conflict()
    fields = _differing(first, document)
    if first.member_id != document.member_id and document.member_id:
        fields.append("member_id")
    return Conflict.differing(sorted((names or {}).get(field, field) for field in fields))


def _differing(first: DocumentState, document: Document) -> list[str]:
    if first.content is not None:
        return differing_fields(first.content, document.content)
    points = None if first.entry is None else _points_of(document.kind, first.entry)
    if first.entry is None or points is None:
        return []
    was = _Compared(points, first.entry.reason, first.entry.note)
    said = msgspec.json.decode(document.content, type=_Compared)
    return [name for name in _Compared.__struct_fields__ if getattr(was, name) != getattr(said, name)]


def _points_of(kind: DocumentKind, entry: Entry) -> int | None:
    """The points that a document said, by its entry; None where that does not say them."""
    if kind is DocumentKind.HOLD:
        return hold_details(entry.details).points
    return _SIGNS[kind] * entry.points if kind in _SIGNS else None
