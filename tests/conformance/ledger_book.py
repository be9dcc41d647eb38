"""A real ledger that takes the steps of the worked cases: each goes in as the document that a shop would send."""

from pathlib import Path
from typing import Any

import msgspec
from tests.conformance.ledgers import Open
from tests.conformance.steps import SOURCE, instant, lot_name, lots_of, order_of, told_liability
from tests.conformance.toml_text import toml_text

from laurels.awarding import (
    Attributes,
    Awarder,
    OrderWorth,
    Programs,
    liability,
    member_at,
    order_worth,
    publish,
    verify_in_depth,
)
from laurels.errors import Conflict, InsufficientPoints, LaurelsError, ProgramError
from laurels.ledger import DocumentState, Finding, Ledger
from laurels.model import (
    Adjustment,
    Amendment,
    Balance,
    Document,
    Entry,
    EntryKind,
    Line,
    Mark,
    Order,
    Redemption,
    Refund,
    Restoration,
    ReturnLine,
)
from laurels.model.details import Details, RedeemDetails
from laurels.model.entries import MOVES_POINTS
from laurels.model.money import format_amount, parse_amount, parse_millionths
from laurels.model.spending import Capture, Hold, TierGrant, Transfer, Void
from laurels.program import GRAIN, NEW, Program, ProgramState, format_grains, parse_program, tier_at
from laurels.testing.verifying import findings_of

BEGIN = "2026-01-01T00:00:00Z"


class LedgerBook:
    """One ledger, its clock, and what was sent to it. Opened again, it goes on where it was."""

    def __init__(self, open_ledger: Open, directory: Path) -> None:
        self.now = instant(BEGIN)
        self._open = open_ledger, directory
        self._refunds = 0
        self._dead: list[Ledger] = []
        self._owners: dict[str, str] = {}
        self._said: dict[str, Attributes] = {}

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

    async def publish(self, program: Program) -> None:
        """Put a further version in force."""
        self._programs = await publish(self.ledger, program, at_start=True)
        self._ready()

    async def died(self) -> None:
        """Go on with another process's hands, as after a crash: all that it knows is in the ledger's files. One that
        holds leases hands them over; the clock that would end them stands.
        """
        if len((await self.ledger.heads()).marks) == 1:
            self._dead.append(self.ledger)
        else:
            await self.ledger.close()
        opened, directory = self._open
        self.ledger = await opened(directory, lambda: self.now)
        self._ready()

    async def close(self) -> None:
        """Close what is open, the dead too."""
        for ledger in (*self._dead, self.ledger):
            await ledger.close()

    async def findings(self) -> list[Finding]:
        """What a verification finds, in depth too."""
        found = await findings_of(self.ledger)
        return found + [finding async for finding in verify_in_depth(self.ledger, self._programs)]

    async def totals(self, member: str) -> Balance:
        """A member's totals."""
        found = await self.ledger.account(member)
        return Balance() if found is None else found[0].totals

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
            "parts": _parts_taken(kept.program, mine[0], unit),
            "why": (await self._worded(mine[0][0])).reason,
        }

    async def change(self, order_id: str, revision: int, to: dict[str, Any]) -> None:
        """Change an order to what a step says of one; where it cannot be, it goes to quarantine."""
        order = order_of({"order": order_id, **to}, self._owners[order_id] or "")
        await self.ledger.accept([Amendment(revision=revision, order=order).document()])
        await self.awarder.drain()

    async def _redeem(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        redemption = Redemption(source=SOURCE, redemption_id=step["id"], points=step["points"], member_id=member)
        entry = await self._settled(redemption.document())
        if isinstance(entry, LaurelsError):
            return _refusal(entry)
        moved = msgspec.json.decode(entry.details or b"{}", type=RedeemDetails).lots
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
        expires = instant(step["expires"]) if "expires" in step else None
        adjustment = Adjustment(
            id=f"j{self._refunds}", points=step["points"], actor="clerk", member_id=member, expires_at=expires
        )
        entry = await self._settled(adjustment.document())
        return _refusal(entry) if isinstance(entry, LaurelsError) else {"points": entry.points}

    async def _hold(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        minutes = step.get("minutes", 15)
        hold = Hold(source=SOURCE, hold_id=step["id"], points=step["points"], minutes=minutes, member_id=member)
        entry = await self._settled(hold.document())
        return _refusal(entry) if isinstance(entry, LaurelsError) else await self._available(member)

    async def _capture(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        capture = Capture(source=SOURCE, hold_id=step["id"], points=step["points"], member_id=member)
        entry = await self._settled(capture.document())
        if isinstance(entry, LaurelsError):
            return _refusal(entry)
        return {"points": entry.points} | await self._available(member)

    async def _void(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        entry = await self._settled(Void(source=SOURCE, hold_id=step["id"], member_id=member).document())
        return _refusal(entry) if isinstance(entry, LaurelsError) else await self._available(member)

    async def _available(self, member: str) -> dict[str, Any]:
        return {"available": (await self.state(member)).available}

    async def _transfer(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        self._refunds += 1
        await self.ledger.enrol([(step["to"], None)], actor="clerk")
        to = await self.ledger.member(step["to"])
        assert to is not None
        transfer = Transfer(
            source=SOURCE, transfer_id=f"t{self._refunds}", to=to.number, points=step["points"], member_id=member
        )
        entry = await self._settled(transfer.document())
        if isinstance(entry, LaurelsError):
            return _refusal(entry)
        await self._drained()
        return {"points": -entry.points}

    async def _grant(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        self._refunds += 1
        await self.ledger.enrol([(member, None)], actor="clerk")
        id, until = f"g{self._refunds}", instant(step["until"])
        grant = TierGrant(source=SOURCE, grant_id=id, tier=step["tier"], until=until, member_id=member)
        entry = await self._settled(grant.document())
        return _refusal(entry) if isinstance(entry, LaurelsError) else {}

    async def _attributes(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        await self.ledger.enrol([(member, None)], actor="clerk")
        was, new = self._said.get(member, Attributes()), step["set"]
        said = Attributes(new.get("birthday", was.birthday), tuple(new.get("segments", was.segments)))
        self._said[member] = said
        await self.ledger.set_attributes(member, said.encode())
        return {}

    async def _merge(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        before = await self._whole(step["into"])
        try:
            await self.awarder.merge(member, step["into"], actor="clerk")
        except LaurelsError as error:
            return _refusal(error)
        whole = await self._whole(step["into"]) - before
        return {"points": whole, "balance": (await self.state(step["into"])).active}

    async def _whole(self, member: str) -> int:
        """Points that remainders of two members made together."""
        entries = await self.ledger.entries(member, limit=1000)
        return sum(entry.points for entry in entries if entry.kind is EntryKind.EARN and entry.source == "laurels")

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
        await self._swept()
        return {"entries": await self._lapses() - before}

    async def _liability(self, step: dict[str, Any], _: str) -> dict[str, Any]:
        await self._swept()
        owed = await liability(self.ledger, self._programs, self.now, self.now)
        entries = [entry for entry in await self._feed() if entry.kind in MOVES_POINTS]
        moved: dict[str, int] = {}
        for entry in entries[step.get("since", 0) :]:
            moved[entry.kind.value] = moved.get(entry.kind.value, 0) + entry.points
        assert owed.total == sum(entry.points for entry in entries)
        return told_liability(step, owed, moved) | {"to": len(entries)}

    async def _publish(self, step: dict[str, Any], _: str) -> dict[str, Any]:
        try:
            program = parse_program(toml_text(step["program"]))
            await self.ledger.submit(program.version, program.text, actor="clerk")
        except ProgramError as error:
            return {"refused": error.message}
        return {"refused": ""}

    async def _drained(self) -> None:
        await self.awarder.drain()

    async def _swept(self) -> None:
        while await self.awarder.sweep():
            pass

    async def _lapses(self) -> int:
        """How many entries the clock has led to."""
        return sum(entry.kind is EntryKind.EXPIRE for entry in await self._feed())

    async def _feed(self) -> list[Entry]:
        """All entries, in the order of recording."""
        found: list[Entry] = []
        heads = await self.ledger.heads()
        for shard in [shard for shard, head in heads.marks.items() if head.position]:  # a life fills two of sixteen
            mark = Mark()
            while read := await self.ledger.feed(shard, mark, 1000):
                found += read
                mark = Mark(read[-1].position, read[-1].hash)
        return sorted(found, key=lambda entry: (entry.recorded_at, entry.shard, entry.position))

    async def state(self, member: str) -> ProgramState:
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
        await self._drained()
        state = await self.ledger.document(sent.kind, sent.source, sent.id)
        assert state is not None
        return state

    async def _settled(self, document: Document) -> Entry | LaurelsError:
        [receipt] = await self.awarder.settle_all([document])
        if isinstance(receipt, LaurelsError):  # writes nothing; the model writes what has lapsed by then
            await self._swept()
            return receipt
        assert receipt.entry is not None
        return receipt.entry

    async def _worded(self, entry: Entry) -> Entry:
        [worded] = await self._programs.worded([entry], self.ledger)
        return worded


def _parts_taken(program: Program, taken: tuple[Entry, Details], unit: int) -> dict[str, str]:
    """What a refund took by part; of a plain program all is base, and its entry says no parts."""
    entry, details = taken
    if program.plain:
        return {"base": str(entry.points)} if entry.points else {}
    return {name: format_grains(n * unit) for name, n in details.parts}


def _refusal(error: LaurelsError) -> dict[str, Any]:
    """What is refused at once, in the words of the cases."""
    if isinstance(error, Conflict):
        return {"refused": "more than was redeemed" if "can come back" in error.message else error.message.lower()}
    return {"refused": "insufficient-points" if isinstance(error, InsufficientPoints) else error.message}
