"""A tiny book of orders and members around the pure functions: what a ledger does with them, in memory.

It takes the steps of the worked cases. Between two steps everything is bytes, as an engine keeps it, so each step also
shows that states and frames survive their encoding.
"""

from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from tests.conformance.steps import basket_of, instant, lot_name, lots_of, told_liability
from tests.conformance.toml_text import toml_text

from laurels.errors import InsufficientPoints, LaurelsError, ProgramError
from laurels.model.money import format_amount, parse_amount, parse_millionths
from laurels.model.times import from_datetime
from laurels.program import (
    GRAIN,
    NOTHING,
    BasketLine,
    Frame,
    Lapse,
    MemberFacts,
    Program,
    ProgramState,
    Refunded,
    Return,
    ReturnLine,
    Spent,
    adjust,
    capture,
    evaluate,
    format_grains,
    frame_of,
    give,
    grant_tier,
    hold,
    merge,
    next_due,
    parse_program,
    receive,
    redeem,
    restore,
    tier_at,
    touch,
    unwind,
    version_at,
    void,
    word_earn,
    word_reverse,
)
from laurels.program.liability import add_up, chain_ladder, defer, half_up, outstanding


@dataclass
class Award:
    """An order that was awarded, as a ledger keeps it."""

    member: str
    version: int
    frame: bytes
    refunded: bytes = NOTHING.encode()


@dataclass
class Book:
    """Published programs, members by id, orders, redemptions, budgets, and entries (kind, member, points, instant)."""

    programs: list[Program]
    now: int = from_datetime(datetime.fromisoformat("2026-01-01T00:00:00Z"))
    members: dict[str, bytes] = field(default_factory=dict)
    persons: dict[str, MemberFacts] = field(default_factory=dict)
    alias: dict[str, str] = field(default_factory=dict)
    awards: dict[str, Award] = field(default_factory=dict)
    spent: dict[tuple[str, str], tuple[Spent, ...]] = field(default_factory=dict)
    budgets: dict[str, int] = field(default_factory=dict)
    entries: list[tuple[str, str, int, int]] = field(default_factory=list)

    @classmethod
    def of(cls, programs: list[dict[str, Any]]) -> "Book":
        read = [parse_program(toml_text(program)) for program in programs]
        return cls(sorted(read, key=lambda program: program.from_at or 0))

    def at(self, at: int) -> Program:
        program = version_at(self.programs, at)
        assert program is not None
        return program

    def resolve(self, member: str) -> str:
        return self.resolve(self.alias[member]) if member in self.alias else member

    def state(self, member: str) -> ProgramState:
        return ProgramState.decode(self.members.setdefault(self.resolve(member), b""))

    def keep(self, member: str, state: ProgramState, lapses: tuple[Lapse, ...] = ()) -> None:
        """Write a state down, and the entries of the clock."""
        content = state.encode()
        assert ProgramState.decode(content) == state
        assert ProgramState.decode(content).encode() == content
        self.members[self.resolve(member)] = content
        for lapse in lapses:
            self.enter("expire", member, lapse.points, lapse.at)

    def enter(self, kind: str, member: str, points: int, at: int | None = None) -> None:
        self.entries.append((kind, self.resolve(member), points, self.now if at is None else at))

    def sum_of(self, member: str, *kinds: str) -> int:
        names = [other for other in [*self.members, *self.alias] if self.resolve(other) == self.resolve(member)]
        return sum(points for kind, who, points, _ in self.entries if who in names and kind in kinds)

    def touched(self, member: str) -> ProgramState:
        """A member as of now."""
        program = self.at(self.now)
        state, lapses = touch(self.state(member), self.now, program)
        at = next_due(state, program)
        assert at is None or at > self.now, "a sweep would find the member over and over"
        self.keep(member, state, tuple(lapses))
        return state

    def step(self, step: dict[str, Any]) -> dict[str, Any]:
        """Do a step; a refusal is an answer too, and changes nothing."""
        if "at" in step:
            self.now = instant(step["at"])
        if step["do"] in {"redeem", "cancel", "hold", "capture", "void", "transfer", "merge", "adjust"}:
            self.touched(step.get("member", "m"))  # a refusal changes nothing, and the clock goes on all the same
        try:
            return dict(getattr(self, f"do_{step['do']}")(step, step.get("member", "m")))
        except InsufficientPoints:
            return {"refused": "insufficient-points"}
        except LaurelsError as error:
            return {"refused": error.message}

    def do_order(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        basket = basket_of(step, instant(step["occurred"]) if "occurred" in step else self.now)
        program = self.at(basket.occurred_at)
        left = {name: budget * GRAIN - self.budgets.get(name, 0) for name, budget in program.plan.budgets.items()}
        before = self.state(member)
        got = evaluate(
            program,
            basket,
            before,
            now=self.now,
            person=self.persons.get(self.resolve(member), MemberFacts()),
            budgets=left,
            in_force=self.at(self.now),
        )
        self.keep(member, got.member_after, got.lapses)
        for name, grains in got.budgets:
            self.budgets[name] = self.budgets.get(name, 0) + grains
        frame = got.frame if got.frame is not None else frame_of(program, basket, before)
        content = frame.encode()
        assert Frame.decode(content) == frame
        self.awards[basket.order] = Award(self.resolve(member), program.version, content)
        self.enter("earn", member, got.points, basket.occurred_at)
        details = type(got.details).decode(got.details.encode())
        assert details == got.details
        assert word_earn(program, basket.total, basket.currency, details) == got.reason
        tiers = program.tiers
        return {
            "points": got.points,
            "parts": {name: format_grains(grains) for name, grains in got.parts if grains or name == "base"},
            "carried": self.carried(member, basket.currency),
            "tier": tiers.levels[frame.tier].name if tiers is not None and frame.tier >= 0 else None,
            "net": [
                format_amount(net, basket.currency)
                for net, line in zip(frame.net, basket.lines or (BasketLine(),), strict=True)
                if line.unit_price >= 0
            ],
            "why": got.reason,
            "version": program.version,
        }

    def carried(self, member: str, currency: str) -> str:
        return format_grains(dict(self.state(member).carried).get(currency, 0))

    def do_refund(self, step: dict[str, Any], _: str) -> dict[str, Any]:
        award = self.awards[step["order"]]
        program = next(program for program in self.programs if program.version == award.version)
        frame = Frame.decode(award.frame)
        currency = frame.currency
        asked = Return(
            parse_amount(step["amount"], currency, "amount") if "amount" in step else None,
            tuple(
                ReturnLine(
                    line["line"],
                    parse_amount(line["amount"], currency, "amount") if "amount" in line else None,
                    parse_millionths(line["quantity"], "quantity") if "quantity" in line else None,
                )
                for line in step.get("lines", [])
            ),
        )
        got = unwind(
            program,
            frame,
            Refunded.decode(award.refunded),
            asked,
            self.state(award.member),
            order=step["order"],
            now=self.now,
            in_force=self.at(self.now),
        )
        self.enter("reverse", award.member, -got.points)
        self.keep(award.member, got.member_after, got.lapses)
        award.refunded = got.refunded_after.encode()
        for name, grains in got.budgets:
            self.budgets[name] = self.budgets.get(name, 0) + grains
        assert (
            word_reverse(program, got.covered, currency, type(got.details).decode(got.details.encode())) == got.reason
        )
        return {
            "points": -got.points,
            "beyond": format_amount(got.beyond, currency),
            "keeps": format_grains(got.keeps),
            "carried": self.carried(award.member, currency),
            "parts": {name: format_grains(grains) for name, grains in got.parts},
            "why": got.reason,
        }

    def do_redeem(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        got = redeem(self.at(self.now), self.state(member), step["points"], now=self.now)
        self.keep(member, got.member_after, got.lapses)
        self.spent[self.resolve(member), step["id"]] = got.spent
        self.enter("redeem", member, got.points)
        return {"points": got.points, "lots": {lot_name(*part[:2]): part[2] for part in map(_fields, got.spent)}}

    def do_cancel(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        key = self.resolve(member), step["id"]
        got = restore(self.at(self.now), self.state(member), self.spent[key], step.get("points"), now=self.now)
        self.keep(member, got.member_after, got.lapses)
        self.spent[key] = got.spent
        self.enter("restore", member, got.points)
        return {"points": got.points, "lots": lots_of(got.member_after)}

    def do_hold(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        minutes = step.get("minutes", 15)
        got = hold(self.at(self.now), self.state(member), step["id"], step["points"], now=self.now, minutes=minutes)
        self.keep(member, got.member_after, got.lapses)
        return {"available": got.member_after.available}

    def do_capture(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        got = capture(self.at(self.now), self.state(member), step["id"], step["points"], now=self.now)
        self.keep(member, got.member_after, got.lapses)
        self.spent[self.resolve(member), f"hold:{step['id']}"] = got.spent
        self.enter("redeem", member, got.points)
        return {"points": got.points, "available": got.member_after.available}

    def do_void(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        got = void(self.at(self.now), self.state(member), step["id"], now=self.now)
        self.keep(member, got.member_after, got.lapses)
        return {"available": got.member_after.available}

    def do_adjust(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        expires = instant(step["expires"]) if "expires" in step else None
        got = adjust(self.at(self.now), self.state(member), step["points"], now=self.now, expires=expires)
        self.keep(member, got.member_after, got.lapses)
        self.enter("adjust", member, got.points)
        return {"points": got.points}

    def do_transfer(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        self.touched(step["to"])
        given = give(self.at(self.now), self.state(member), step["points"], now=self.now)
        self.keep(member, given.member_after, given.lapses)
        self.enter("transfer", member, given.points)
        got = receive(self.at(self.now), self.state(step["to"]), given.spent, now=self.now)
        self.keep(step["to"], got.member_after, got.lapses)
        self.enter("transfer", step["to"], got.points)
        return {"points": got.points}

    def do_merge(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        ends, into = self.resolve(member), self.resolve(step["into"])
        for each in (ends, into):  # what the clock did is seen by who looks, also where the merge is then refused
            self.touched(each)
        got = merge(self.at(self.now), self.state(ends), self.state(into), now=self.now)
        self.keep(ends, ProgramState(), got.of_lapses)
        self.enter("merge", ends, -got.moved)
        self.enter("merge", into, got.moved)
        self.keep(into, got.member_after, got.lapses)
        if got.whole:
            self.enter("earn", into, got.whole)
        self.alias[ends] = into
        for award in self.awards.values():
            award.member = self.resolve(award.member)
        self.spent = {(self.resolve(who), id): parts for (who, id), parts in self.spent.items()}
        return {"points": got.whole, "balance": got.member_after.active}

    def do_attributes(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        was, new = self.persons.get(self.resolve(member), MemberFacts()), step["set"]
        self.persons[self.resolve(member)] = MemberFacts(
            birthday=new.get("birthday", was.birthday), segments=tuple(new.get("segments", was.segments))
        )
        return {}

    def do_grant(self, step: dict[str, Any], member: str) -> dict[str, Any]:
        granted = grant_tier(self.at(self.now), self.state(member), step["tier"], instant(step["until"]), now=self.now)
        self.keep(member, granted)
        return {}

    def do_balance(self, _: dict[str, Any], member: str) -> dict[str, Any]:
        state = self.touched(member)
        return {
            "active": state.active,
            "pending": state.waiting,
            "held": state.held,
            "available": state.available,
            "earned": self.sum_of(member, "earn", "reverse"),
            "score": self.sum_of(member, "earn", "reverse", "adjust"),
            "lots": lots_of(state),
        }

    def do_tier(self, _: dict[str, Any], member: str) -> dict[str, Any]:
        return {"tier": tier_at(self.at(self.now), self.state(member), self.now) or "none"}

    def do_sweep(self, _: dict[str, Any], __: str) -> dict[str, Any]:
        before = len(self.entries)
        for member in list(self.members):
            if member not in self.alias:
                self.touched(member)
        return {"entries": len(self.entries) - before}

    def do_publish(self, step: dict[str, Any], _: str) -> dict[str, Any]:
        try:
            parse_program(toml_text(step["program"]))
        except ProgramError as error:
            return {"refused": error.message}
        return {"refused": ""}

    def do_liability(self, step: dict[str, Any], _: str) -> dict[str, Any]:
        self.do_sweep(step, "")
        states = [self.state(member) for member in self.members if member not in self.alias]
        owed = add_up(outstanding(self.at(self.now), state, self.now) for state in states)
        moved: dict[str, int] = {}
        for kind, _member, points, _at in self.entries[step.get("since", 0) :]:
            moved[kind] = moved.get(kind, 0) + points
        assert owed.total == sum(entry[2] for entry in self.entries)
        return told_liability(step, owed, moved) | {"to": len(self.entries)}

    def do_ifrs(self, step: dict[str, Any], _: str) -> dict[str, Any]:
        expected = [Fraction(each) for each in step["expected"]]
        got = defer(Fraction(step["sales"]), Fraction(step["value"]), expected, step["redeemed"])
        return {"deferred": got.deferred, "revenue": list(got.revenue), "liability": got.left}

    def do_breakage(self, step: dict[str, Any], _: str) -> dict[str, Any]:
        rows = [[int(each) for each in row] for row in step["redeemed"]]
        got = chain_ladder([int(each) for each in step["earned"]], rows, Fraction(step.get("tail", "1")))
        share = Fraction(half_up(got.redeemed_share * 10**4), 10**4)
        return {
            "ultimate": [half_up(each) for each in got.ultimate],
            "redeemed_share": str(float(share)),
            "breakage_share": str(float(1 - share)),
            "still_to_come": half_up(got.still_to_come),
        }


def _fields(part: Spent) -> tuple[int, int, int]:
    return part.expires, part.origin, part.points
