"""Messages of a queue: the body of an item of `POST /orders`, with its kind. Taken into the inbox, or kept as they came
where that cannot be.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from laurels.errors import Conflict, InvalidInput, NotFound, after_writing
from laurels.intake.decoding import decode
from laurels.intake.formats import format_of
from laurels.intake.forms import Id, NamedOrderForm, RefundForm
from laurels.intake.intake import Intake
from laurels.intake.named import members_named
from laurels.intake.queue import ReceivedMessage
from laurels.ledger import Quarantine, Receipt
from laurels.model import Document, DocumentKind, Order, Refund, RefusedMessage

LARGEST = 1_000_000
"""Bytes of a message that is read; a larger one is no order."""

_WHOLE = frozenset({"body", "kind"})
"""What is said to be wrong where a message is something else altogether."""


class OrderMessage(NamedOrderForm, tag_field="kind", tag="order", forbid_unknown_fields=True, kw_only=True):
    """An order in a queue, with `kind` `order`."""


class RefundMessage(RefundForm, tag_field="kind", tag="refund", forbid_unknown_fields=True, kw_only=True):
    """A refund in a queue, with `kind` `refund`. Without an `order_id` it takes back what its amount would earn."""

    order_id: Id | None = None


QueueMessage = OrderMessage | RefundMessage
"""What a message may say."""


class Taken(Struct, frozen=True, kw_only=True):
    """What became of a batch: documents that are new, that were here before, and messages in quarantine."""

    accepted: int = 0
    repeated: int = 0
    refused: int = 0


class ReadBatch(Struct, frozen=True):
    """Messages that were read: documents with the messages that they were, and those that are none."""

    messages: list[ReceivedMessage]
    documents: list[Document]
    refused: list[RefusedMessage]

    def add(self, more: "ReadBatch") -> None:
        """Add what was read after this."""
        self.messages.extend(more.messages)
        self.documents.extend(more.documents)
        self.refused.extend(more.refused)


class Taking:
    """Takes a queue's messages: they are read, then kept."""

    def __init__(self, intake: Intake, quarantine: Quarantine, now: Callable[[], int], queue: str) -> None:
        self._intake = intake
        self._quarantine = quarantine
        self._now = now
        self._origin = f"queue:{queue}"

    def read(self, messages: Sequence[ReceivedMessage]) -> ReadBatch:
        """Read and check messages; 10 us for an order without lines. Nothing is asked of the ledger."""
        batch, now = ReadBatch([], [], []), self._now()
        for message in messages:
            try:
                document, raw = read(message.body, now)
            except InvalidInput as error:
                batch.refused.append(self._refused(message, error.message, members_named(message.body)))
            else:
                batch.messages.append(message)
                batch.documents.append(document.document(raw, self._origin))
        return batch

    async def keep(self, batch: ReadBatch) -> Taken:
        """Accept what can be accepted in one commit, and set aside the rest in another: when it returns, every message
        is durable, in the inbox or in quarantine. A part that was taken before, by a try that broke off, is not taken
        twice. Raises `LedgerUnavailable`.
        """
        receipts = await self._intake.accept_made(batch.documents) if batch.documents else []
        old = [(n, receipt) for n, receipt in enumerate(receipts) if receipt.conflict or receipt.repeated]
        conflicts = [(n, receipt) for n, receipt in old if receipt.conflict]
        refused = batch.refused + [self._in_conflict(batch, n, receipt) for n, receipt in conflicts]
        if refused:
            await self._quarantine.set_aside(refused)
        return Taken(accepted=len(receipts) - len(old), repeated=len(old) - len(conflicts), refused=len(refused))

    def _in_conflict(self, batch: ReadBatch, n: int, receipt: Receipt) -> RefusedMessage:
        message, document = batch.messages[n], batch.documents[n]
        document = replace(document, raw=message.body)
        return self._refused(message, _conflict(document, receipt), (document.member_id,), document)

    def _refused(
        self, message: ReceivedMessage, reason: str, named: tuple[str, ...], in_conflict: Document | None = None
    ) -> RefusedMessage:
        return RefusedMessage(
            origin=self._origin,
            body=message.body,
            reason=reason,
            headers=message.headers,
            named=named,
            in_conflict=in_conflict,
        )


async def take_again(body: bytes, origin: str, intake: Intake, now: int, id: str | None = None) -> None:
    """Take a message out of quarantine, where it has this id, after its cause was fixed. Raises `InvalidInput`,
    `Conflict` where it is as before.
    """
    form, raw = read(body, now)
    document = form.document(raw, origin)
    if id is not None:
        document = replace(document, read_from=(origin, id))
    [receipt] = await intake.accept_made([document])
    if receipt.conflict:
        raise Conflict(_conflict(document, receipt))


async def retry_quarantined(
    quarantine: Quarantine, intake: Intake, kind: DocumentKind, source: str, id: str, *, now: int
) -> None:
    """Try again what is in quarantine. A document goes back to the inbox; a message is read anew, and leaves once it is
    accepted: if the process dies between the two, it is still here, and the next try finds that it was accepted. `now`
    is what `occurred_at` is held against.

    Raises `NotFound` (also where the member was erased meanwhile), `LedgerUnavailable`, and for a message what
    `take_again` raises: then it stays as it is.
    """
    if kind is not DocumentKind.MESSAGE:
        await quarantine.retry(kind, source, id)
        return
    message = await quarantine.quarantined(kind, source, id)
    try:
        await take_again(message.raw, source, intake, now, id)
    except Conflict:
        if message.raw and not (await quarantine.quarantined(kind, source, id)).raw:
            raise NotFound from None
        raise
    with after_writing():
        await quarantine.drop(kind, source, id, actor="retry, since it was taken")


def read(body: bytes, now: int) -> tuple[Order | Refund, bytes]:
    """The document in a message, and the bytes to keep of it. `now` is what `occurred_at` is held against. Raises
    `InvalidInput`.
    """
    if len(body) > LARGEST:
        raise InvalidInput.of("body", f"is larger than {LARGEST:,} bytes")
    try:
        form: OrderMessage | RefundMessage = decode(QueueMessage, body)  # type: ignore[arg-type]  # a union is no class
    except InvalidInput as error:
        said = format_of(body) if error.errors[0].field in _WHOLE else None
        if said is None:
            raise
        raise InvalidInput.of("body", said) from error
    if isinstance(form, RefundMessage):
        return form.refund(form.member_id, now, form.order_id), body
    return form.order(form.order_id, now), form.usable() if form.warnings() else body


def _conflict(document: Document, receipt: Receipt) -> str:
    said = f"The {document.kind} {document.source}/{document.id} was here before with other content"
    if receipt.fingerprints is None:
        return f"{said}."
    kept, sent = (fingerprint.hex() for fingerprint in receipt.fingerprints)
    return f"{said}: fingerprint {kept} is kept, {sent} came."
