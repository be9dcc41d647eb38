"""`members`: enrol, hide, show, rename, erase."""

import csv
from pathlib import Path
from typing import Annotated

import typer

from laurels.cli.console import ConfigOption, StateOption, examples, out, run, say, settings_of
from laurels.errors import FileRefused, InvalidInput
from laurels.intake import email_warning, usable_email
from laurels.model import MemberEvent, Version
from laurels.runtime.visible import visible
from laurels.settings import Settings
from laurels.wiring import build

ACTOR = "cli"

app = typer.Typer(help="Enrol members, take them off the boards, rename or erase them.", no_args_is_help=True)

MemberArgument = Annotated[str, typer.Argument(help="The shop's own id of the customer.")]


@app.command(epilog=examples("laurels members enrol 17850 13047", "laurels members enrol --file members.txt"))
def enrol(
    members: Annotated[list[str] | None, typer.Argument(help="Ids, each optionally followed by ,e-mail.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="A text file: one id, or id,e-mail, a line; as CSV, an id with a comma in quotes."),
    ] = None,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Enrol members. Who is enrolled already stays as is."""
    pairs = [_pair(text) for text in [*(members or []), *_lines(file)]]
    if not pairs:
        raise InvalidInput.of("members", "name at least one, or a file with --file")
    new = run(_enrol(settings_of(state, config), pairs))
    out(f"{sum(new):,} enrolled, {len(new) - sum(new):,} were members before")


@app.command(epilog=examples("laurels members hide 17850"))
def hide(member: MemberArgument, state: StateOption = None, config: ConfigOption = None) -> None:
    """Take a member off every board; the points stay."""
    _change(member, MemberEvent.HIDE, "off the boards", state, config)


@app.command(epilog=examples("laurels members show 17850"))
def show(member: MemberArgument, state: StateOption = None, config: ConfigOption = None) -> None:
    """Put a hidden member back on the boards."""
    _change(member, MemberEvent.SHOW, "on the boards", state, config)


@app.command(epilog=examples("laurels members rename 17850"))
def rename(member: MemberArgument, state: StateOption = None, config: ConfigOption = None) -> None:
    """Give a member another proxy name."""
    _change(member, MemberEvent.RENAME, "under another name", state, config)


@app.command(epilog=examples("laurels members erase 17850", "laurels members erase 17850 --yes"))
def erase(
    member: MemberArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Erase a member: the id, the address, what was received, people's words, mails in the outbox, the secret.

    What stays: the entries under a number (points, amounts, times, and the ids of orders, refunds, redemptions, holds,
    transfers and tiers as the shop numbers them), how purchases at the checkout ended, and the number behind the proxy
    name: who has the names' key can confirm a guessed id by it. What comes later for one of its orders is booked under
    the number and keeps no id. Out of reach: backups from before, copies that migrate left, exports, mails that a
    server delivered, your own systems, and what a PostgreSQL server keeps: its WAL and standbys until those are reused,
    the room of deleted rows in its files until other rows are written there, and its statistics until they are taken
    anew.
    """
    if not yes:
        typer.confirm(f"Erase {visible(member)} for good?", abort=True)
    _change(member, MemberEvent.ERASE, "erased", state, config)


def _change(member: str, event: MemberEvent, now_is: str, state: Path | None, config: Path | None) -> None:
    version = run(_changed(settings_of(state, config), member, event))
    out(f"{member}: {now_is} as of {version}")


async def _changed(settings: Settings, member: str, event: MemberEvent) -> Version:
    async with build(settings, must_exist=True) as services:
        return await services.members.change(member, event, actor=ACTOR)


async def _enrol(settings: Settings, pairs: list[tuple[str, str | None]]) -> list[bool]:
    async with build(settings, must_exist=True) as services:
        return (await services.members.enrol(pairs, actor=ACTOR))[0]


def _pair(text: str) -> tuple[str, str | None]:
    """An id, perhaps with an address behind a comma; an id with a comma in it stands in quotes, as in any CSV."""
    try:
        [cells] = csv.reader([text.strip()], strict=True)
    except csv.Error as error:
        raise InvalidInput.of("members", f"{text} is not one row of CSV: {error}") from error
    member, email = cells[0].strip(), ",".join(cells[1:])
    if len(cells) > 2:  # noqa: PLR2004
        raise InvalidInput.of(
            "members", f'{text} has more than an id and an e-mail; an id with a comma needs quotes: "a,b"'
        )
    if email.strip() and (warning := email_warning(email)) is not None:
        say(f"{member}: {warning.field} {warning.message}")
    return member, usable_email(email)


def _lines(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        return [line for line in file.read_text("utf-8-sig").split("\n") if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise FileRefused(f"{file} cannot be read: {error}") from error
