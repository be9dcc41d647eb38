"""`import`: orders from files. Everything is idempotent, so an import that broke off is simply run again."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from msgspec import Struct
from rich.console import Console

from laurels.cli.console import ConfigOption, StateOption, examples, out, progress, run, say, settings_of
from laurels.errors import SettingsError
from laurels.ledger import Receipt
from laurels.model import Order, Refund
from laurels.runtime.upkeep import settle
from laurels.settings import Settings
from laurels.wiring import Services, build

T = TypeVar("T")

CHUNK = 1000
"""Documents accepted in one commit."""

MOST_NAMED = 10
"""Conflicts that are named one by one."""


class Imported(Struct):
    """What an import did."""

    orders: int = 0
    refunds: int = 0
    new: int = 0
    repeated: int = 0
    conflicts: list[str] = []


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "import",
        epilog=examples(
            "laurels import orders.csv",
            "laurels import online_retail.parquet --preset online-retail",
            "laurels import till.csv --map order_id=Receipt --map member_id=Card --map total=Amount --set currency=GBP "
            "--set channel=store --time-zone Europe/London",
        ),
    )(import_)


def import_(
    file: Annotated[Path, typer.Argument(help="CSV, Parquet or NDJSON; one order or one order line a row.")],
    preset: Annotated[str | None, typer.Option(help="A known layout: online-retail.")] = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Which column holds a field. Repeatable.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="A value for every row. Repeatable.")
    ] = None,
    time_zone: Annotated[str | None, typer.Option(help="Where times without an offset were read.")] = None,
    refund_prefix: Annotated[
        str | None, typer.Option(help="Order ids that begin so are refunds without order.")
    ] = None,
    skip_prefix: Annotated[str | None, typer.Option(help="Order ids that begin so are left out.")] = None,
    skip_without_member: Annotated[
        bool, typer.Option("--skip-without-member", help="Leave rows without a member out.")
    ] = False,
    format_: Annotated[
        str | None, typer.Option("--format", help="csv, parquet or ndjson, where the ending does not tell.")
    ] = None,
    notify: Annotated[bool, typer.Option("--notify", help="Send milestone mails for these orders.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Bring in orders from a file; returns when all of them are awarded and on the boards.

    The whole file is checked first, and a bad one changes nothing. Nothing is counted twice: run it again after an
    interruption.
    """
    from laurels.cli.files import PRESETS, Constant, Mapping, open_documents  # noqa: PLC0415 - polars takes a while to load

    settings = settings_of(state, config)
    mapping = None
    if preset is not None:
        if preset not in PRESETS:
            raise SettingsError(f"There is no preset {preset}. Presets: {', '.join(PRESETS)}.")
        mapping = PRESETS[preset]
    elif map_ or set_ or time_zone or refund_prefix or skip_prefix or skip_without_member:
        mapping = Mapping.of(
            {**_pairs(map_, "--map"), **{field: Constant(value) for field, value in _pairs(set_, "--set").items()}},
            time_zone=time_zone,
            refund_prefix=refund_prefix,
            skip_prefix=skip_prefix,
            skip_without_member=skip_without_member,
        )
    with Console(stderr=True).status(f"checking {file}"):
        documents = open_documents(file, mapping, format_name=format_, quiet=not notify)
    for reason, count in documents.skipped.items():
        say(f"skipped {count:,} rows: {reason}")
    imported = run(_import(settings, documents, documents.total))
    _report(imported)
    if imported.conflicts:
        raise typer.Exit(1)


async def _import(settings: Settings, documents: Iterable[Order | Refund], total: int) -> Imported:
    async with build(settings) as services:
        return await bring_in(services, documents, total)


async def bring_in(services: Services, documents: Iterable[Order | Refund], total: int) -> Imported:
    """Accept documents in chunks, award them, and bring the board to them. `total` is how many they are."""
    imported = Imported()
    with progress("importing", "documents") as report:
        done = 0
        for chunk in _chunks(documents, CHUNK):
            receipts = await services.intake.accept_all([(document, b"") for document in chunk])
            _count(imported, chunk, receipts)
            await services.awarder.drain()
            done += len(chunk)
            report(done, total)
    await settle(services, progress)
    return imported


def _count(imported: Imported, chunk: list[Order | Refund], receipts: list[Receipt]) -> None:
    for document, receipt in zip(chunk, receipts, strict=True):
        if isinstance(document, Order):
            imported.orders += 1
        else:
            imported.refunds += 1
        if receipt.conflict:
            imported.conflicts.append(document.order_id if isinstance(document, Order) else document.refund_id)
        elif receipt.repeated:
            imported.repeated += 1
        else:
            imported.new += 1


def _report(imported: Imported) -> None:
    out(
        f"{imported.orders:,} orders, {imported.refunds:,} refunds: "
        f"{imported.new:,} new, {imported.repeated:,} here before, {len(imported.conflicts):,} in conflict"
    )
    for name in imported.conflicts[:MOST_NAMED]:
        say(f"conflict: {name} is here with other content; left as it was")
    if len(imported.conflicts) > MOST_NAMED:
        say(f"... and {len(imported.conflicts) - MOST_NAMED:,} more")


def _pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    pairs = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise SettingsError(f"{option} {text}: write FIELD=VALUE, such as {option} order_id=Receipt")
        pairs[name] = value
    return pairs


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
