"""`import`: orders, refunds and adjustments from files. Everything is idempotent, so an import that broke off is simply
run again.
"""

import glob
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from laurels.cli.bringing_in import Imported, bring_in, settle_adjustments
from laurels.cli.console import ConfigOption, JsonOption, StateOption, counted, examples, run, say, settings_of
from laurels.cli.foreseeing import foresee
from laurels.cli.import_report import report, report_dry, tell_faults, tell_of_file, tell_took
from laurels.errors import FileRefused, SettingsError
from laurels.model import Order, Refund
from laurels.runtime.visible import visible
from laurels.settings import Settings
from laurels.wiring import build

if TYPE_CHECKING:
    from laurels.exchange import Adjustments, OptionList, OrdersFile

_FIELDS = (
    "Fields: order_id, member_id, currency, occurred_at, channel, source, email, refund_id, total (a row is an order), "
    "amount (a refund's, where it is not in total), quantity with unit_price and sku, or line_total (a row is a line), "
    "refunded, cancelled_at, status, event, zone. A money field may join columns: total=Subtotal+Tax-Discount; so may "
    "times: occurred_at=Date+Time. A field that is not named is looked for under its own name. Of adjustments: "
    "member_id, points, adjustment_id, reason, note, occurred_at, board, quiet."
)


class FileKind(StrEnum):
    """What a file holds."""

    ORDERS = "orders"
    ADJUSTMENTS = "adjustments"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "import",
        epilog=f"{_FIELDS}\n\n"
        + examples(
            "laurels import orders.csv",
            "laurels import online_retail.parquet --preset online-retail",
            "laurels import orders_export_1.csv --preset shopify --set source=web --dry-run",
            "laurels import till.csv --map order_id=Receipt --map member_id=Card --map total=Amount --set currency=GBP "
            "--set channel=store --time-zone Europe/London",
            "laurels import 'till-*.csv.gz' --mapping till.toml --skip-invalid --rejects rejects.csv",
            "laurels import balances.csv --kind adjustments",
        ),
    )(import_)


def import_(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="CSV, TSV, Parquet, NDJSON, JSON or XLSX, also .gz and .zip; quoted patterns; - is standard input.",
        ),
    ],
    preset: Annotated[
        str | None,
        typer.Option(
            help="A known layout: magento, online-retail, online-retail-ii, shopify, square, stripe or woocommerce. "
            "Other options win."
        ),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", metavar="FILE", help="A list of options (TOML). Other options win.")
    ] = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Which column holds a field. Repeatable.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="A value for every row. Repeatable.")
    ] = None,
    time_zone: Annotated[str | None, typer.Option(help="Where times without an offset were read.")] = None,
    time_format: Annotated[
        str | None, typer.Option(help="How times are written: %d/%m/%Y %H:%M, or epoch, epoch-ms, epoch-us.")
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(metavar="status=VALUE,…", help="Rows of other statuses are left out.")
    ] = None,
    returned: Annotated[
        list[str] | None, typer.Option(metavar="status=VALUE,…", help="Orders of these statuses were given back whole.")
    ] = None,
    refund_prefix: Annotated[
        str | None, typer.Option(help="Order ids that begin so are refunds without order.")
    ] = None,
    refund_event: Annotated[
        list[str] | None, typer.Option(help="Rows whose field event is this are refunds. Repeatable.")
    ] = None,
    negative_refunds: Annotated[
        bool, typer.Option("--negative-refunds", help="Orders below zero are refunds without order.")
    ] = False,
    skip_prefix: Annotated[str | None, typer.Option(help="Order ids that begin so are left out.")] = None,
    strip_prefix: Annotated[str | None, typer.Option(help="Taken off the ids of orders and refunds: #")] = None,
    skip_without_member: Annotated[
        bool, typer.Option("--skip-without-member", help="Leave rows without a member out.")
    ] = False,
    guest_id: Annotated[list[str] | None, typer.Option(help="A member id that stands for none. Repeatable.")] = None,
    totals_on_first_row: Annotated[
        bool, typer.Option("--totals-on-first-row", help="An order's further rows have no total and are not read.")
    ] = False,
    minor_units: Annotated[bool, typer.Option("--minor-units", help="Amounts are whole pence or cents.")] = False,
    money_sign: Annotated[str | None, typer.Option(help="Taken off amounts: $")] = None,
    thousands: Annotated[str | None, typer.Option(help="The mark between thousands, which is dropped.")] = None,
    decimal: Annotated[str | None, typer.Option(help="The decimal mark: . or ,", show_default=".")] = None,
    ids_as_they_are: Annotated[
        bool, typer.Option("--ids-as-they-are", help="Take ids that look like spoiled numbers: 4.00012E+15.")
    ] = False,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="A column that is not to be read. Repeatable.")
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="What separates the cells of a CSV: ;")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a text file: latin-1, cp1252, utf-16.")] = None,
    sheet: Annotated[str | None, typer.Option(help="The sheet of a workbook; left out: all that are shown.")] = None,
    format_: Annotated[
        str | None,
        typer.Option("--format", help="csv, tsv, parquet, ndjson, json or xlsx, where the ending does not tell."),
    ] = None,
    kind: Annotated[FileKind, typer.Option(help="What the files hold.")] = FileKind.ORDERS,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Leave orders out that have a row at fault.")
    ] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where to write what --skip-invalid left out.", show_default="FILE.rejects.csv"
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would come of it; write nothing.")] = False,
    notify: Annotated[bool, typer.Option("--notify", help="Send milestone mails for these orders.")] = False,
    json: JsonOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Bring in orders from files; returns when all of them are awarded and on the boards.

    Every file is checked first, and a bad one changes nothing. Nothing is counted twice: run it again after an
    interruption. Exits 1 unless all were awarded or were here before.
    """
    from laurels.exchange import OptionList  # noqa: PLC0415 - polars takes a while to load

    settings = settings_of(state, config)
    options = OptionList(
        map=_pairs(map_, "--map"),
        set=_pairs(set_, "--set"),
        time_zone=time_zone,
        time_format=time_format,
        keep=_statuses(keep, "--keep"),
        returned=_statuses(returned, "--returned"),
        refund_prefix=refund_prefix,
        refund_events=tuple(refund_event or ()),
        negative_refunds=negative_refunds or None,
        skip_prefix=skip_prefix,
        strip_prefix=strip_prefix,
        skip_without_member=skip_without_member or None,
        guest_ids=tuple(guest_id or ()),
        totals_on_first_row=totals_on_first_row or None,
        minor_units=minor_units or None,
        money_sign=money_sign,
        thousands=thousands,
        decimal=decimal,
        ids_as_they_are=ids_as_they_are or None,
        ignore=tuple(ignore or ()),
        delimiter=delimiter,
        encoding=encoding,
        sheet=sheet,
    )
    _refuse_empty(options)
    ignored, options = options.ignore, _over_lists(options, mapping, preset)
    if rejects is not None and not skip_invalid:
        raise SettingsError("--rejects has no effect without --skip-invalid.")
    paths = _paths(files)
    if kind is FileKind.ADJUSTMENTS:
        if skip_invalid:
            raise SettingsError("--skip-invalid has no effect on adjustments: fix the rows that are told.")
        adjustments = _open_adjustments(paths, options, format_, quiet=not notify)
        _check_ignored(ignored, adjustments)
        _import_adjustments(settings, adjustments, dry_run=dry_run, json=json)
        return
    opened = _open(paths, options, format_, quiet=not notify, skip_invalid=skip_invalid)
    _check_ignored(ignored, opened)
    if dry_run and rejects is None:  # which writes nothing
        rows = sum(len({fault.row for fault in file.faults}) for file in opened)
        if rows:
            say(f"would leave out {counted(rows, 'row')}")
    elif skip_invalid:
        _write_rejects(paths, opened, rejects)
    _import_orders(settings, opened, dry_run=dry_run, json=json)


def _refuse_empty(options: "OptionList") -> None:
    from laurels.exchange import OPTIONS  # noqa: PLC0415

    if empty := [name for name in OPTIONS if getattr(options, name) == ""]:
        raise SettingsError(f"--{empty[0].replace('_', '-')} is empty, and has no effect so.")


def _over_lists(options: "OptionList", mapping: Path | None, preset: str | None) -> "OptionList":
    """The options that were given over those of a file, over those of a preset."""
    from laurels.exchange import PRESETS, read_option_list  # noqa: PLC0415

    if mapping is not None:
        options = options.over(read_option_list(mapping))
    if preset is None:
        return options
    if preset not in PRESETS:
        raise SettingsError(f"There is no preset {preset}. Presets: {', '.join(PRESETS)}.")
    return options.over(PRESETS[preset])


def _open(
    paths: list[Path], options: "OptionList", format_: str | None, *, quiet: bool, skip_invalid: bool
) -> "list[OrdersFile]":
    """Every file, checked. What is wrong with one is told fault by fault; then it is refused."""
    from laurels.exchange import PRESETS, FaultyFile, LooksLike, open_documents  # noqa: PLC0415

    mapping = options.mapping()
    opened = []
    for path in paths:
        try:
            with Console(stderr=True).status(f"checking {visible(str(path))}"):
                file = open_documents(path, mapping, format_name=format_, quiet=quiet, skip_invalid=skip_invalid)
        except FaultyFile as fault:
            tell_faults(fault)
            say("--skip-invalid leaves out orders with such rows, and writes the rows to a file")
            raise
        except LooksLike as like:
            if not sys.stdin.isatty() or path == Path("-"):
                raise
            say(f"{like.message}. Read it so? [y/N]")
            if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
                raise typer.Abort from None
            return _open(paths, options.over(PRESETS[like.preset]), format_, quiet=quiet, skip_invalid=skip_invalid)
        tell_of_file(path, file, named=len(paths) > 1)
        opened.append(file)
    return opened


def _open_adjustments(
    paths: list[Path], options: "OptionList", format_: str | None, *, quiet: bool
) -> "list[Adjustments]":
    from laurels.exchange import FaultyFile, read_adjustments  # noqa: PLC0415

    opened = []
    for path in paths:
        try:
            file = read_adjustments(path, options, format_name=format_, quiet=quiet)
        except FaultyFile as fault:
            tell_faults(fault)
            raise
        tell_took(path, file, named=len(paths) > 1)
        opened.append(file)
    return opened


def _check_ignored(asked: Sequence[str], opened: "Sequence[OrdersFile | Adjustments]") -> None:
    """Raise `SettingsError` for a column that was to be ignored and is in no file: its name is a slip, it seems."""
    for column in asked:
        if all(column not in file.ignored for file in opened):
            raise SettingsError(f"--ignore {column} has no effect: there is no such column.")


def _import_orders(settings: Settings, opened: "list[OrdersFile]", *, dry_run: bool, json: bool) -> None:
    if dry_run:
        foreseen = run(foresee(settings, _Chained(opened)))
        report_dry(foreseen, json=json)
        _leave(foreseen)
        return
    imported = run(_import(settings, opened, sum(file.total for file in opened)))
    report(imported, tuple(opened), json=json)
    _leave(imported)


def _import_adjustments(settings: Settings, opened: "list[Adjustments]", *, dry_run: bool, json: bool) -> None:
    total = sum(file.total for file in opened)
    if dry_run:
        report_dry(Imported(adjustments=total), json=json)
        return
    imported = run(_settle(settings, opened, total))
    report(imported, json=json)
    _leave(imported)


def _leave(imported: Imported) -> None:
    if not imported.complete:
        raise typer.Exit(1)


def _write_rejects(paths: list[Path], opened: "list[OrdersFile]", to: Path | None) -> None:
    from laurels.exchange import write_rejects  # noqa: PLC0415

    rejected = [(path, file.faults) for path, file in zip(paths, opened, strict=True) if file.faults]
    if not rejected:
        return
    to = to or Path(f"{'standard-input' if paths[0] == Path('-') else paths[0]}.rejects.csv")
    rows = write_rejects(to, rejected)
    say(f"left out {counted(rows, 'row')}: see {to}")


async def _import(settings: Settings, opened: "list[OrdersFile]", total: int) -> Imported:
    async with build(settings) as services:
        return await bring_in(services, _Chained(opened), total)


async def _settle(settings: Settings, opened: "list[Adjustments]", total: int) -> Imported:
    async with build(settings) as services:
        return await settle_adjustments(services, chain.from_iterable(opened), total)


class _Chained:
    """The documents of several files, one file after the other, each time anew."""

    def __init__(self, files: "Sequence[OrdersFile]") -> None:
        self._files = files

    def __iter__(self) -> Iterator[Order | Refund]:
        return chain.from_iterable(self._files)


def _paths(files: list[str]) -> list[Path]:
    """The files that were named; a pattern stands for those that it matches, in the order of their names."""
    paths: list[Path] = []
    for name in files:
        if glob.has_magic(name) and not Path(name).exists():
            matched = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - a pattern may be absolute
            if not matched:
                raise FileRefused(f"{name}: matches no file")
            paths += map(Path, matched)
        else:
            paths.append(Path(name))
    if len(set(paths)) < len(paths):
        raise SettingsError("A file is named twice.")
    return paths


def _statuses(texts: list[str] | None, option: str) -> tuple[str, ...]:
    """`status=paid,partially_refunded` -> the statuses."""
    kept: list[str] = []
    for text in texts or ():
        field, equals, values = text.partition("=")
        if field != "status" or not equals or not values:
            raise SettingsError(f"{option} {text}: write status=VALUE, such as {option} status=paid,refunded")
        kept += values.split(",")
    return tuple(kept)


def _pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    pairs = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise SettingsError(f"{option} {text}: write FIELD=VALUE, such as {option} order_id=Receipt")
        if name in pairs:
            raise SettingsError(f"{option} {text}: {name} is given twice.")
        pairs[name] = value
    return pairs
