"""What to say of a document whose id was used before with other content."""

from collections.abc import Mapping

from laurels.errors import Conflict
from laurels.intake.differing import differing_fields
from laurels.ledger import Inbox
from laurels.model import Document

WIRE_NAMES: Mapping[str, str] = {"points": "loyalty-points"}
"""Fields of adjustments that the wire calls otherwise."""


async def conflict_of(ledger: Inbox, document: Document, names: Mapping[str, str] | None = None) -> Conflict:
    """The conflict, with the fields that differ from what came first, as the wire names them; none where what came
    first is kept no more. Costs a look-up.
    """
    first = await ledger.document(document.kind, document.source, document.id)
    if first is None or first.member_id is None:
        return Conflict()
    fields = [] if first.content is None else differing_fields(first.content, document.content)
    if first.member_id != document.member_id and document.member_id:
        fields.append("member_id")
    return Conflict.differing(sorted((names or {}).get(field, field) for field in fields))
