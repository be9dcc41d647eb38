"""`messages`: mails that milestones decided, and what became of them."""

from enum import StrEnum
from typing import Annotated

import typer

from laurels.cli.console import ConfigOption, JsonOption, StateOption, examples, out, out_json, run, settings_of, table
from laurels.ledger import MessageState
from laurels.model.times import format_instant
from laurels.program import Reminder
from laurels.runtime.visible import visible
from laurels.settings import Settings
from laurels.wiring import build

app = typer.Typer(help="Mails, and what became of them.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="The id that `list` shows: the mail's Message-ID before the @.")]


class MessageStatus(StrEnum):
    """What can have become of a mail."""

    DUE = "due"
    HELD = "held"
    SENT = "sent"
    UNDELIVERABLE = "undeliverable"
    DROPPED = "dropped"


@app.command(
    "list", epilog=examples("laurels messages list --only undeliverable", "laurels messages list --member 17850 --json")
)
def list_(
    only: Annotated[MessageStatus | None, typer.Option(help="Only those in this state.")] = None,
    member: Annotated[str | None, typer.Option(help="Only this member's.")] = None,
    after: Annotated[str, typer.Option(help="Continue behind this id.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    json: JsonOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """List mails, oldest first: due, held for an address, sent, undeliverable, or dropped with an erased member."""
    messages = run(_list(settings_of(state, config), only, member, after, limit))
    if json:
        out_json([_as_json(message) for message in messages])
        return
    if not messages:
        out("There are no such mails.")
        return
    rows = table("id", "member", "milestone", "state", "decided", "tries", "note")
    for message in messages:
        rows.add_row(
            message.id,
            visible(message.member_id or "(erased)"),
            visible(message.milestone),
            message.state,
            format_instant(message.created_at),
            str(message.attempts),
            visible(message.note),
        )
    out(rows)
    if len(messages) == limit:
        out(f"More: laurels messages list --after {messages[-1].id}")


@app.command(epilog=examples("laurels messages show 5f2c9e0b41d6a3c7"))
def show(id_: Id, json: JsonOption = False, state: StateOption = None, config: ConfigOption = None) -> None:
    """Show one mail: whose, for what, and what became of it."""
    message = run(_show(settings_of(state, config), id_))
    if json:
        out_json(_as_json(message))
        return
    note = f": {message.note}" if message.note else ""
    again = f", next at {format_instant(message.due_at)}" if _is_due(message) else ""
    out(f"Mail {message.id} to {message.member_id or '(erased)'}: {message.state}{note}")
    reminder = Reminder.named(message.milestone)
    if reminder is None:
        out(f"  milestone {message.milestone}, passed with {message.points:,} points")
    else:
        out(f"  reminder of {message.points:,} points that lapse in {reminder.month:%B %Y}")
    out(f"  decided {format_instant(message.created_at)}, tried {message.attempts} times{again}")


@app.command(epilog=examples("laurels messages retry 5f2c9e0b41d6a3c7", "laurels messages retry --undeliverable"))
def retry(
    id_: Annotated[str | None, typer.Argument(help="The id that `list` shows.", show_default=False)] = None,
    undeliverable: Annotated[bool, typer.Option("--undeliverable", help="All that are undeliverable.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Try a mail again, now, after its cause was fixed. One that was sent is not sent twice."""
    if (id_ is None) == (not undeliverable):
        raise typer.BadParameter("name one mail, or give --undeliverable")
    count = run(_retry(settings_of(state, config), id_))
    out(f"{count:,} mails are due now")


def _is_due(message: MessageState) -> bool:
    return message.state == MessageStatus.DUE


async def _list(
    settings: Settings, only: MessageStatus | None, member: str | None, after: str, limit: int
) -> list[MessageState]:
    async with build(settings, must_exist=True) as services:
        return await services.ledger.all_messages(state=only, member_id=member, after=after, limit=limit)


async def _show(settings: Settings, id_: str) -> MessageState:
    async with build(settings, must_exist=True) as services:
        return await services.ledger.message(id_)


async def _retry(settings: Settings, id_: str | None) -> int:
    async with build(settings, must_exist=True) as services:
        ledger = services.ledger
        if id_ is not None:
            await ledger.retry_message(id_)
            return 1
        after, count = "", 0
        while messages := await ledger.all_messages(state=MessageStatus.UNDELIVERABLE, after=after, limit=500):
            after = messages[-1].id
            for message in messages:
                count += await ledger.retry_message(message.id, must=False)
        return count


def _as_json(message: MessageState) -> dict[str, object]:
    return {
        "id": message.id,
        "member_id": message.member_id,
        "milestone": message.milestone,
        "points": message.points,
        "state": message.state,
        "decided_at": format_instant(message.created_at),
        "due_at": format_instant(message.due_at) if _is_due(message) else None,
        "attempts": message.attempts,
        "note": message.note,
    }
