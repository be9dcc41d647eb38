"""`dashboard`, `top`, `explain`: what a customer sees, and why."""

from typing import Annotated

import typer
from rich.table import Table

from laurels.cli.console import (
    BoardOption,
    ConfigOption,
    JsonOption,
    StateOption,
    examples,
    out,
    out_json,
    progress,
    run,
    settings_of,
)
from laurels.dashboard import Board, Dashboard, Row
from laurels.errors import UnknownOrder
from laurels.ledger import DocumentState
from laurels.model import DocumentKind, Entry
from laurels.model.ids import check_id
from laurels.model.times import format_instant
from laurels.runtime.upkeep import projected_services
from laurels.settings import Settings
from laurels.wiring import build

Top = Annotated[int, typer.Option("--top", min=0, max=100, help="Places from the top.")]
Around = Annotated[int, typer.Option("--around", min=0, max=50, help="Neighbours above and below.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=examples("laurels dashboard 17850", "laurels dashboard 17850 --board month --json"))(dashboard)
    app.command(epilog=examples("laurels top", "laurels top -n 50 --board month:2026-10"))(top)
    app.command(epilog=examples("laurels explain 536365", "laurels explain A1 --source till-7 --json"))(explain)


def dashboard(
    member: Annotated[str, typer.Argument(help="The shop's own id of the customer.")],
    board: BoardOption = "all-time",
    top: Top = 10,
    around: Around = 2,
    json: JsonOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Show a customer's dashboard: the top, the own place, the neighbours."""
    check_id(member, "member")
    answer = run(_dashboard(settings_of(state, config), member, board, top, around))
    if json:
        out_json(answer)
    else:
        _print_dashboard(answer)


def top(
    number: Annotated[int, typer.Option("-n", "--number", min=1, max=100, help="Places.")] = 10,
    board: BoardOption = "all-time",
    json: JsonOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Show the top of a board, under the names that customers see."""
    answer = run(_top(settings_of(state, config), board, number))
    if json:
        out_json(answer)
    else:
        out(_table(answer, answer.top))


def explain(
    order: Annotated[str, typer.Argument(help="The order's id.")],
    source: Annotated[str, typer.Option(help="The system that numbered it.")] = "shop",
    json: JsonOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Say why an order earned its points, and what its refunds took back."""
    check_id(order, "order")
    check_id(source, "--source")
    document, entries = run(_explain(settings_of(state, config), source, order))
    if json:
        out_json(
            {
                "order_id": order,
                "source": source,
                "status": document.status,
                "reason": document.reason,
                "points": sum(entry.points for entry in entries),
                "entries": [_entry_json(entry) for entry in entries],
            }
        )
    else:
        _print_explanation(order, document, entries)


async def _dashboard(settings: Settings, member: str, board: str, top: int, around: int) -> Dashboard:
    async with projected_services(settings, progress) as services:
        return await services.dashboards.member(member, board, top=top, around=around, must_exist=True, whole=True)


async def _top(settings: Settings, board: str, number: int) -> Board:
    async with projected_services(settings, progress) as services:
        return await services.dashboards.board(board, top=number, whole=True)


async def _explain(settings: Settings, source: str, order: str) -> tuple[DocumentState, list[Entry]]:
    async with build(settings, must_exist=True) as services:
        document = await services.ledger.document(DocumentKind.ORDER, source, order)
        if document is None:
            raise UnknownOrder(f"There is no order {order} of the source {source}.")
        entries = await services.ledger.order_entries(source, order)
        return document, await services.programs.worded(entries, services.ledger)


def _print_dashboard(answer: Dashboard) -> None:
    out(_table(answer, answer.top))
    me = answer.me
    if me.rank is None:
        why = "hidden from the boards" if me.hidden else "not on the board yet"
        out(f"\n{me.name}: {me.points:,} points, {why}.")
        return
    tied = f", {me.tied} members tied" if me.tied > 1 else ""
    out(f"\n{me.name}: rank {me.rank:,} of {answer.ranked:,} with {me.points:,} points{tied}.")
    out(_table(answer, answer.around, title="Around"))


def _table(answer: Board | Dashboard, rows: list[Row], title: str | None = None) -> Table:
    table = Table(title=title or f"{answer.board}, as of {answer.as_of}", title_justify="left", min_width=44)
    table.add_column("rank", justify="right")
    table.add_column("name")
    table.add_column("points", justify="right")
    for row in rows:
        table.add_row(f"{row.rank:,}", row.name, f"{row.points:,}", style="bold" if row.me is True else None)
    return table


def _print_explanation(order: str, document: DocumentState, entries: list[Entry]) -> None:
    out(f"Order {order}: {document.status}, accepted {format_instant(document.accepted_at)}.")
    if document.reason:
        out(f"  {document.reason}")
    for entry in entries:
        refund = f" refund {entry.refund_id}" if entry.refund_id else ""
        out(f"  {entry.points:+5d}  {entry.kind}{refund}: {entry.reason}")
    if entries:
        out(f"  {sum(entry.points for entry in entries):+5d}  in all")


def _entry_json(entry: Entry) -> dict[str, object]:
    return {
        "loyaltyId": entry.loyalty_id,
        "kind": entry.kind,
        "points": entry.points,
        "refund_id": entry.refund_id,
        "reason": entry.reason,
        "occurred_at": format_instant(entry.occurred_at),
        "recorded_at": format_instant(entry.recorded_at),
    }
