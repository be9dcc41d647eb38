"""`quarantine`: what could not be awarded, with its reason; look at it, try it again, or give it up."""

from typing import Annotated

import typer

from laurels.awarding.causes import cause_of
from laurels.cli.console import (
    MOST_NUMBER,
    ConfigOption,
    JsonOption,
    NumberArgument,
    StateOption,
    examples,
    out,
    out_json,
    run,
    say,
    settings_of,
    table,
)
from laurels.errors import LaurelsError, LedgerUnavailable, NotFound, SettingsError
from laurels.intake import retry_quarantined
from laurels.ledger import DocumentKey, Quarantine, QuarantinedDocument
from laurels.model.times import format_instant
from laurels.runtime.visible import visible
from laurels.settings import Settings
from laurels.wiring import build

app = typer.Typer(help="Documents that could not be awarded.", no_args_is_help=True)

_PAGE = 1000


@app.command("list", epilog=examples("laurels quarantine list", "laurels quarantine list --after 4711 --json"))
def list_(
    after: Annotated[int, typer.Option(min=0, max=MOST_NUMBER, help="Continue behind this number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    json: JsonOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """List what is in quarantine."""
    documents = run(_list(settings_of(state, config), after, limit))
    if json:
        out_json([_as_json(document) for document in documents])
        return
    if not documents:
        out("The quarantine is empty.")
        return
    rows = table("number", "kind", "source", "id", "since", "reason")
    for document in documents:
        rows.add_row(
            str(document.sequence),
            document.kind,
            visible(document.source),
            visible(document.id),
            format_instant(document.quarantined_at),
            visible(document.reason),
        )
    out(rows)
    if len(documents) == limit:
        out(f"More: laurels quarantine list --after {documents[-1].sequence}")


@app.command(epilog=examples("laurels quarantine show 12"))
def show(
    number: NumberArgument, json: JsonOption = False, state: StateOption = None, config: ConfigOption = None
) -> None:
    """Show a document as it was received, or what was read from it where no bytes are kept."""
    document = run(_show(settings_of(state, config), number))
    if json:
        out_json(_as_json(document))
        return
    out(f"{document.kind} {document.source}/{document.id}: {document.reason}")
    out((document.raw or document.content).decode("utf-8", "backslashreplace") or "(nothing of it is kept)")


@app.command(
    epilog=examples(
        "laurels quarantine retry 12", "laurels quarantine retry --reason currency", "laurels quarantine retry --all"
    )
)
def retry(
    number: Annotated[int | None, typer.Argument(help="The number that `list` shows.", min=1, max=MOST_NUMBER)] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every document.")] = False,
    reason: Annotated[
        str | None,
        typer.Option(
            help="Every document of this reason, in the words of `list` or of the figure laurels_quarantined_total."
        ),
    ] = None,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Put documents back into the inbox, after their cause was fixed. Exits 1 where one stays in quarantine."""
    if (number is not None) + everything + (reason is not None) != 1:
        raise SettingsError("Give the number of a document, --all or --reason: one of them.")
    settings = settings_of(state, config)
    if number is not None:
        run(_retry(settings, number))
        out(f"{number}: back in the inbox")
        return
    back, staying = run(_retry_all(settings, reason))
    for stays, why in staying:
        say(f"{stays}: stays in quarantine: {visible(why)}")
    out(f"{back:,} back in the inbox, {len(staying):,} in quarantine still")
    if staying:
        raise typer.Exit(1)


@app.command(epilog=examples("laurels quarantine drop 12 --yes"))
def drop(
    number: NumberArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Give a document up for good. Its id stays used."""
    if not yes:
        typer.confirm(f"Give document {number} up for good?", abort=True)
    run(_drop(settings_of(state, config), number))
    out(f"{number}: given up")


async def _list(settings: Settings, after: int, limit: int) -> list[QuarantinedDocument]:
    async with build(settings, must_exist=True) as services:
        return await services.ledger.quarantine(after=after, limit=limit)


async def _show(settings: Settings, number: int) -> QuarantinedDocument:
    async with build(settings, must_exist=True) as services:
        return await services.ledger.quarantined(*await _key(services.ledger, number))


async def _retry(settings: Settings, number: int) -> None:
    async with build(settings, must_exist=True) as services:
        key = await _key(services.ledger, number)
        await retry_quarantined(services.ledger, services.intake, *key, now=services.now())


async def _retry_all(settings: Settings, reason: str | None) -> tuple[int, list[tuple[int, str]]]:
    """How many went back, and which did not, with why. Each is tried once, in one walk: what is refused again
    meanwhile lies behind it.
    """
    back, after, staying = 0, 0, list[tuple[int, str]]()
    async with build(settings, must_exist=True) as services:
        while page := await services.ledger.quarantine(after=after, limit=_PAGE):
            after = page[-1].sequence
            for each in page:
                if reason not in {None, each.reason, cause_of(each.reason)}:
                    continue
                key = (each.kind, each.source, each.id)
                try:
                    await retry_quarantined(services.ledger, services.intake, *key, now=services.now())
                except LedgerUnavailable:
                    raise
                except LaurelsError as error:
                    staying.append((each.sequence, error.message))
                else:
                    back += 1
    return back, staying


async def _drop(settings: Settings, number: int) -> None:
    async with build(settings, must_exist=True) as services:
        await services.ledger.drop(*await _key(services.ledger, number), actor="cli")


async def _key(ledger: Quarantine, number: int) -> DocumentKey:
    """What the document with a number of the list is known by."""
    for document in await ledger.quarantine(after=number - 1, limit=1):
        if document.sequence == number:
            return document.kind, document.source, document.id
    raise NotFound(f"There is no document {number} in quarantine. `laurels quarantine list` shows them.")


def _as_json(document: QuarantinedDocument) -> dict[str, object]:
    return {
        "number": document.sequence,
        "kind": document.kind,
        "source": document.source,
        "id": document.id,
        "reason": document.reason,
        "quarantined_at": format_instant(document.quarantined_at),
        "raw": document.raw.decode("utf-8", "backslashreplace"),
        "content": document.content.decode("utf-8", "backslashreplace"),
    }
