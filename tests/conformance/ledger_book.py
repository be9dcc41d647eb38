"""A real ledger that takes the steps of the worked cases: each goes in as the document that a shop would send."""

from datetime import datetime
from pathlib import Path
from typing import Any

from tests.conformance.ledgers import Open
from tests.conformance.toml_text import toml_text

from laurels.awarding import Awarder, Programs, publish
from laurels.ledger import DocumentState
from laurels.model import DocumentKind, Entry, Order, Refund
from laurels.model.money import format_amount, parse_amount
from laurels.model.times import from_datetime
from laurels.program import parse_program

SOURCE = "till"
BEGIN = "2026-01-01T00:00:00Z"


def instant(text: str) -> int:
    return from_datetime(datetime.fromisoformat(text))


class LedgerBook:
    """One ledger, its clock, and what was sent to it. Opened again, it goes on where it was."""

    def __init__(self, open_ledger: Open, directory: Path) -> None:
        self.now = instant(BEGIN)
        self._open = open_ledger, directory
        self._refunds = 0
        self._members: dict[str, str] = {}
        self.ledger = open_ledger(directory, lambda: self.now)

    async def begin(self, programs: list[dict[str, Any]]) -> None:
        """Publish the versions, each at the instant from which it is in force."""
        for table in sorted(programs, key=lambda table: table["version"]):
            program = parse_program(toml_text(table))
            begins = self.now
            if program.from_at is not None:
                self.now = min(self.now, program.from_at)
            self._programs = await publish(self.ledger, program, at_start=True)
            self.now = begins
        self._ready()

    async def again(self) -> None:
        """Close the ledger and open it once more, as after a crash: all that it knows is in its files."""
        await self.ledger.close()
        opened, directory = self._open
        self.ledger = opened(directory, lambda: self.now)
        self._ready()

    def _ready(self) -> None:
        self.awarder = Awarder(self.ledger, self._programs, lambda: self.now)

    @property
    def programs(self) -> Programs:
        return self._programs

    async def step(self, step: dict[str, Any]) -> dict[str, Any]:
        """Do a step; a refusal is an answer too."""
        if "at" in step:
            self.now = instant(step["at"])
        return dict(await getattr(self, f"_{step['do']}")(step, step.get("member", "m")))

    async def _order(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        currency = step.get("currency", "GBP")
        order = Order(
            source=SOURCE,
            order_id=step["order"],
            member_id=member,
            currency=currency,
            total=parse_amount(step["total"], currency, "total"),
            occurred_at=instant(step["occurred"]) if "occurred" in step else None,
        )
        self._members[order.order_id] = member
        state = await self._sent(order)
        if state.entry is None:
            return {"refused": state.reason}
        entry = await self._worded(state.entry)
        return {"points": entry.points, "why": entry.reason, "version": entry.program_version}

    async def _refund(self, step: dict[str, Any], _: str) -> dict[str, Any]:
        self._refunds += 1
        order = await self.ledger.document(DocumentKind.ORDER, SOURCE, step["order"])
        assert order is not None
        assert order.entry is not None, "what was awarded is refunded"
        currency = order.entry.currency or ""
        refund = Refund(
            source=SOURCE,
            refund_id=f"r{self._refunds}",
            order_id=step["order"],
            member_id=self._members[step["order"]],
            currency=currency,
            amount=parse_amount(step["amount"], currency, "amount"),
        )
        state = await self._sent(refund)
        if state.entry is None:
            return {"refused": state.reason}
        entries = await self.ledger.order_entries(SOURCE, step["order"])
        mine = [entry for entry in entries if entry.refund_id == refund.refund_id]
        beyond = [entry.amount or 0 for entry in mine if b'"beyond":true' in (entry.details or b"")]
        return {
            "points": sum(entry.points for entry in mine),
            "beyond": format_amount(sum(beyond), currency),
            "keeps": str(sum(entry.points for entry in entries)),
            "why": (await self._worded(mine[0])).reason,
        }

    async def _sent(self, document: Order | Refund) -> DocumentState:
        sent = document.document()
        [receipt] = await self.ledger.accept([sent])
        assert not receipt.conflict
        await self.awarder.drain()
        state = await self.ledger.document(sent.kind, sent.source, sent.id)
        assert state is not None
        return state

    async def _worded(self, entry: Entry) -> Entry:
        [worded] = await self._programs.worded([entry], self.ledger)
        return worded
