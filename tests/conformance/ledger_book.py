"""A real ledger that takes the steps of the worked cases: each goes in as the document that a shop would send."""

from pathlib import Path
from typing import Any

from tests.conformance.book import basket_of, instant, lot_name, lots_of
from tests.conformance.ledgers import Open
from tests.conformance.toml_text import toml_text

from laurels.awarding import Awarder, OrderWorth, Programs, member_at, order_worth, publish
from laurels.errors import Conflict, InsufficientPoints, LaurelsError, ProgramError
from laurels.ledger import DocumentState
from laurels.model import (
    Adjustment,
    Balance,
    Channel,
    Document,
    Entry,
    EntryKind,
    Line,
    LineKind,
    Mark,
    Order,
    Redemption,
    Refund,
    Restoration,
    ReturnLine,
    Traits,
)
from laurels.model.details import Details, redeem_details
from laurels.model.money import format_amount, parse_amount, parse_millionths
from laurels.program import GRAIN, NEW, MemberState, format_grains, parse_program, tier_at

SOURCE = "till"
BEGIN = "2026-01-01T00:00:00Z"


class LedgerBook:
    """One ledger, its clock, and what was sent to it. Opened again, it goes on where it was."""

    def __init__(self, open_ledger: Open, directory: Path) -> None:
        self.now = instant(BEGIN)
        self._open = open_ledger, directory
        self._refunds = 0
        self._owners: dict[str, str] = {}

    async def begin(self, programs: list[dict[str, Any]]) -> None:
        """Open the ledger and publish the versions, each at the instant from which it is in force."""
        opened, directory = self._open
        self.ledger = await opened(directory, lambda: self.now)
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
        self.ledger = await opened(directory, lambda: self.now)
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
        order = order_of(step, member)
        state = await self._sent(order)
        if state.entry is None:
            return {"refused": state.reason}
        entry, kept = await self._worded(state.entry), await self._worth(order.order_id)
        details, program = Details.decode(entry.details), kept.program
        unit = 1 if program.plan.carries else GRAIN
        parts = {name: n * unit for name, n in details.parts} or {"base": entry.points * GRAIN}
        lines = order.lines or (Line("", 0, 0),)
        tiers = program.tiers
        return {
            "points": entry.points,
            "parts": {name: format_grains(grains) for name, grains in parts.items() if grains or name == "base"},
            "carried": await self._carried(member, order.currency),
            "tier": tiers.levels[kept.frame.tier].name if tiers is not None and kept.frame.tier >= 0 else None,
            "net": [
                format_amount(net, order.currency)
                for net, line in zip(kept.frame.net, lines, strict=True)
                if line.unit_price >= 0
            ],
            "why": entry.reason,
            "version": entry.program_version,
        }

    async def _refund(self, step: dict[str, Any], _: str) -> dict[str, Any]:
        self._refunds += 1
        award = await self.ledger.order_award(SOURCE, step["order"])
        assert award is not None, "what was awarded is refunded"
        currency = award.currency
        refund = Refund(
            source=SOURCE,
            refund_id=f"r{self._refunds}",
            order_id=step["order"],
            member_id=self._owners[step["order"]],
            currency=currency,
            amount=parse_amount(step["amount"], currency, "amount") if "amount" in step else 0,
            lines=tuple(
                ReturnLine(
                    line["line"],
                    parse_amount(line["amount"], currency, "amount") if "amount" in line else None,
                    parse_millionths(line["quantity"], "quantity") if "quantity" in line else None,
                )
                for line in step.get("lines", [])
            ),
        )
        state = await self._sent(refund)
        if state.entry is None:
            return {"refused": state.reason}
        entries = await self.ledger.order_entries(SOURCE, step["order"])
        mine = [(entry, Details.decode(entry.details)) for entry in entries if entry.refund_id == refund.refund_id]
        kept = await self._worth(step["order"])
        unit = 1 if kept.program.plan.carries else GRAIN
        return {
            "points": sum(entry.points for entry, _ in mine),
            "beyond": format_amount(sum(entry.amount or 0 for entry, details in mine if details.beyond), currency),
            "keeps": format_grains(kept.keeps),
            "carried": await self._carried(refund.member_id, currency),
            "parts": {name: format_grains(n * unit) for name, n in mine[0][1].parts},
            "why": (await self._worded(mine[0][0])).reason,
        }

    async def _redeem(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        redemption = Redemption(source=SOURCE, redemption_id=step["id"], points=step["points"], member_id=member)
        entry = await self._settled(redemption.document())
        if isinstance(entry, LaurelsError):
            return _refusal(entry)
        moved = redeem_details(entry.details).lots
        return {"points": entry.points, "lots": {lot_name(*lot[:2]): -lot[2] for lot in moved}}

    async def _cancel(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        self._refunds += 1
        restoration = Restoration(
            source=SOURCE,
            cancel_id=f"c{self._refunds}",
            redemption_id=step["id"],
            points=step.get("points"),
            member_id=member,
        )
        entry = await self._settled(restoration.document())
        if isinstance(entry, LaurelsError):
            return _refusal(entry)
        return {"points": entry.points, "lots": lots_of(await self.state(member))}

    async def _adjust(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        self._refunds += 1
        adjustment = Adjustment(id=f"j{self._refunds}", points=step["points"], actor="clerk", member_id=member)
        entry = await self._settled(adjustment.document())
        return _refusal(entry) if isinstance(entry, LaurelsError) else {"points": entry.points}

    async def _balance(self, _: dict[str, Any], member: str) -> dict[str, Any]:
        state, kept = await self.state(member), await self.ledger.account(member)
        totals = kept[0].totals if kept is not None else Balance()
        return {
            "active": state.active,
            "pending": state.waiting,
            "held": state.held,
            "available": state.available,
            "earned": totals.earned,
            "score": totals.score,
            "lots": lots_of(state),
        }

    async def _tier(self, _: dict[str, Any], member: str) -> dict[str, Any]:
        program = self._programs.at(self.now)
        return {"tier": tier_at(program, await self.state(member), self.now) or "none"}

    async def _sweep(self, _: dict[str, Any], __: str) -> dict[str, Any]:
        before = await self._lapses()
        while await self.awarder.sweep():
            pass
        return {"entries": await self._lapses() - before}

    async def _publish(self, step: dict[str, Any], _: str) -> dict[str, Any]:
        try:
            program = parse_program(toml_text(step["program"]))
            await self.ledger.submit(program.version, program.text, actor="clerk")
        except ProgramError as error:
            return {"refused": error.message}
        return {"refused": ""}

    async def _lapses(self) -> int:
        """How many entries the clock has led to."""
        found = 0
        for shard in (await self.ledger.heads()).marks:
            mark = Mark()
            while read := await self.ledger.feed(shard, mark, 1000):
                found += sum(entry.kind is EntryKind.EXPIRE for entry in read)
                mark = Mark(read[-1].position, read[-1].hash)
        return found

    async def state(self, member: str) -> MemberState:
        """A member as of now."""
        found = await self.ledger.account(member)
        return NEW if found is None else member_at(found[0], self._programs, self.now)

    async def _carried(self, member: str, currency: str) -> str:
        return format_grains(dict((await self.state(member)).carried).get(currency, 0))

    async def _worth(self, order_id: str) -> OrderWorth:
        award = await self.ledger.order_award(SOURCE, order_id)
        assert award is not None
        return order_worth(award, self._programs)

    async def _sent(self, document: Order | Refund) -> DocumentState:
        if isinstance(document, Order):
            self._owners[document.order_id] = document.member_id
        sent = document.document()
        [receipt] = await self.ledger.accept([sent])
        assert not receipt.conflict
        await self.awarder.drain()
        state = await self.ledger.document(sent.kind, sent.source, sent.id)
        assert state is not None
        return state

    async def _settled(self, document: Document) -> Entry | LaurelsError:
        [receipt] = await self.awarder.settle_all([document])
        if isinstance(receipt, LaurelsError):  # writes nothing; the model writes what has lapsed by then
            while await self.awarder.sweep():
                pass
            return receipt
        assert receipt.entry is not None
        return receipt.entry

    async def _worded(self, entry: Entry) -> Entry:
        [worded] = await self._programs.worded([entry], self.ledger)
        return worded


def _refusal(error: LaurelsError) -> dict[str, Any]:
    """What is refused at once, in the words of the cases."""
    if isinstance(error, Conflict) and "can come back" in error.message:
        return {"refused": "more than was redeemed"}
    return {"refused": "insufficient-points" if isinstance(error, InsufficientPoints) else error.message}


def order_of(step: dict[str, Any], member: str) -> Order:
    """The order that a shop would send for a step."""
    basket = basket_of(step, 0)
    traits = tuple(
        Traits(line.category, line.brand, LineKind(line.kind), line.tags, line.discount, line.tax)
        for line in basket.lines
    )
    return Order(
        source=SOURCE,
        order_id=step["order"],
        member_id=member,
        currency=basket.currency,
        total=basket.total,
        occurred_at=instant(step["occurred"]) if "occurred" in step else None,
        lines=tuple(Line(line.sku or "", line.quantity, line.unit_price) for line in basket.lines),
        traits=traits if any(each != Traits() for each in traits) else (),
        channel=Channel(step.get("channel", "web")),
        region=basket.region,
        coupons=basket.coupons,
        payments=basket.payments,
    )
