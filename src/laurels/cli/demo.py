"""`demo`: the embedded house with a stream of made-up orders, and a page to watch it on."""

import asyncio
import random
from pathlib import Path
from typing import Annotated

import typer

from laurels.cli.console import ConfigOption, examples, out, progress, run, say, settings_of
from laurels.cli.processes import stop_on_signals
from laurels.cli.serving import address, serve_house
from laurels.metrics_sharing import shared
from laurels.model import Channel, Order
from laurels.settings import Settings
from laurels.wiring import House, build

MEMBERS = 300
HISTORY = 3_000
STATE = Path("demo-data")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("laurels demo", "laurels demo --port 9000 --orders-per-second 20"))(demo)


def demo(
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 takes a free one.", show_default="8000")
    ] = None,
    orders_per_second: Annotated[float, typer.Option(min=0.1, max=500, help="Made-up orders.")] = 5,
    state: Annotated[Path, typer.Option(help="Thrown away by `make clean`.")] = STATE,
    config: ConfigOption = None,
) -> None:
    """Serve a small made-up shop on this machine, with orders streaming in, and print the page's address."""
    run(_demo(settings_of(state, config, http_port=port), orders_per_second))


async def _demo(settings: Settings, orders_per_second: float) -> None:
    with shared():
        async with build(settings) as house:
            chance = random.Random()  # noqa: S311 - made-up orders, not secrets
            await _seed(house, chance)
            stream = asyncio.create_task(_stream(house, chance, orders_per_second))
            try:
                await serve_house(
                    house,
                    None,
                    stop_on_signals(),
                    on_ready=lambda port: _show_page(settings, port),
                    children=["--state", str(settings.state)],
                )
            finally:
                stream.cancel()


def _show_page(settings: Settings, port: int) -> None:
    from laurels.http.tokens import sign_token  # noqa: PLC0415 - cryptography takes a while to load

    member = _member(7)
    token = sign_token(settings, subject=member, scope=None, ttl_s=12 * 3600)
    page = f"{address(settings, port)}#member={member}&token={token}"
    out(f"\nOne customer's dashboard, live:\n  {page}\n")
    say("Ctrl-C stops; `make clean` throws the made-up shop away.")


async def _seed(house: House, chance: random.Random) -> None:
    """A history to begin with, once."""
    if (await house.ledger.heads()).version.positions != {0: 0}:
        return
    with progress("making up orders", "orders") as report:
        for start in range(0, HISTORY, 500):
            orders = [_order(f"seed-{start + n}", chance) for n in range(500)]
            await house.intake.accept_all([(order, b"") for order in orders])
            await house.awarder.drain()
            report(start + 500, HISTORY)


async def _stream(house: House, chance: random.Random, orders_per_second: float) -> None:
    """Orders as a shop has them: at random moments, so many a second on the average."""
    while True:
        await asyncio.sleep(chance.expovariate(orders_per_second))
        await house.intake.accept(_order(f"demo-{chance.getrandbits(64):016x}", chance))


def _order(order_id: str, chance: random.Random) -> Order:
    """Few members buy much, most buy little: baskets and buyers follow Pareto's law."""
    member = min(int(chance.paretovariate(0.6)) - 1, 10**9) % MEMBERS
    return Order(
        source="demo",
        order_id=order_id,
        member_id=_member(member),
        currency="GBP",
        total=min(int(500 * chance.paretovariate(1.3)), 100_000),
        channel=chance.choice(list(Channel)),
        quiet=True,
    )


def _member(number: int) -> str:
    return f"demo-{number:04d}"
