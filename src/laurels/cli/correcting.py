"""`adjust` and `merge`: what people put right by hand."""

import uuid
from typing import Annotated

import typer

from laurels import clock
from laurels.cli.console import ConfigOption, JsonOption, StateOption, examples, out, out_json, run, settings_of
from laurels.errors import InvalidInput, UnknownMember
from laurels.ledger import Receipt
from laurels.model import Adjustment, Version
from laurels.model.ids import check_id, check_source
from laurels.model.times import check_lapse, check_occurred, parse_instant
from laurels.runtime.visible import visible
from laurels.settings import Settings
from laurels.wiring import build

ACTOR = "cli"

MOST_POINTS = 2_147_483_647
MOST_REASON, MOST_NOTE = 500, 140


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        context_settings={"ignore_unknown_options": True},  # -5 is no option
        epilog=examples(
            'laurels adjust 17850 25 --reason "parcel came late"',
            "laurels adjust 17850 -25 --id ticket-48213 --no-board",
            "laurels adjust 17850 500 --expires-at 2027-03-31T23:00:00Z",
        ),
    )(adjust)
    app.command(epilog=examples("laurels merge guest-4711 17850", "laurels merge guest-4711 17850 --yes"))(merge)


def adjust(
    member: Annotated[str, typer.Argument(help="The shop's own id of the customer.")],
    points: Annotated[
        int, typer.Argument(min=-MOST_POINTS, max=MOST_POINTS, help="Points to add; below 0: to take away.")
    ],
    reason: Annotated[str, typer.Option(help="Why, for colleagues.")] = "",
    note: Annotated[str, typer.Option(help="Why, for the customer.")] = "",
    id: Annotated[
        str | None,
        typer.Option("--id", help="The same again under this id counts once. Left out: each time is another."),
    ] = None,
    source: Annotated[str, typer.Option(help="Whose ids these are.")] = ACTOR,
    board: Annotated[bool, typer.Option("--board/--no-board", help="Whether it counts on the boards.")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", help="Send no milestone mail for it.")] = False,
    occurred_at: Annotated[str | None, typer.Option(help="When, with an offset; left out: now.")] = None,
    expires_at: Annotated[
        str | None,
        typer.Option(help="When points that are given lapse, with an offset; left out: as the program says."),
    ] = None,
    as_json: JsonOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Correct a member's points, and say why. Many at once: `laurels import --kind adjustments`."""
    for field, text, most in (("reason", reason, MOST_REASON), ("note", note, MOST_NOTE)):
        if len(text) > most:
            raise InvalidInput.of(field, f"must have at most {most} characters")
        if any(character < " " or character == "\x7f" for character in text):
            raise InvalidInput.of(field, "must be one line, without control characters")
    at = None if occurred_at is None else check_occurred(parse_instant(occurred_at, "occurred_at"), clock.now())
    adjustment = Adjustment(
        id=uuid.uuid4().hex if id is None else check_id(id, "id"),
        points=points,
        actor=ACTOR,
        reason=reason,
        note=note,
        board=board,
        quiet=quiet,
        occurred_at=at,
        expires_at=check_lapse(None if expires_at is None else parse_instant(expires_at, "expires_at"), points),
        source=check_source(source, "source"),
        member_id=check_id(member, "member"),
    )
    receipt, balance = run(_adjusted(settings_of(state, config), adjustment))
    assert receipt.entry is not None, "what is settled has its entry"
    if as_json:
        out_json({"loyaltyId": receipt.entry.loyalty_id, "repeated": receipt.repeated, "balance": balance})
        return
    was = ", was here before" if receipt.repeated else ""
    out(f"{member}: {receipt.entry.points:+,} as {receipt.entry.loyalty_id}{was}; the balance is {balance:,}")


def merge(
    member: Annotated[str, typer.Argument(help="The id whose points, orders and places go over.")],
    into: Annotated[str, typer.Argument(help="The id of the member that goes on.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Make two members one, for good: both ids answer for it from then on. It cannot be undone."""
    if not yes:
        typer.confirm(f"Make {visible(member)} one with {visible(into)} for good?", abort=True)
    version = run(_merged(settings_of(state, config), member, into))
    out(f"{member}: one with {into} as of {version}")


async def _adjusted(settings: Settings, adjustment: Adjustment) -> tuple[Receipt, int]:
    async with build(settings, must_exist=True) as services:
        if await services.ledger.member(adjustment.member_id) is None:  # a slip in the id is no new customer
            raise UnknownMember("There is no such member. `laurels members enrol` makes one.")
        receipt = await services.points.adjust(adjustment)
        found = await services.ledger.balance(adjustment.member_id)
        return receipt, 0 if found is None else found[0].balance


async def _merged(settings: Settings, member: str, into: str) -> Version:
    async with build(settings, must_exist=True) as services:
        return await services.members.merge(member, into, actor=ACTOR)
