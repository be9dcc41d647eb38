"""The demo shop's own backend: what a shop has, and Laurels does not, for its pages to ask.

Its part in the integration is one function: it knows who is signed in, and signs them a token (`token_for`). All else
that has to do with points the pages ask of Laurels itself. Nothing here is served by `laurels serve`.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from laurels.checkout import Product
from laurels.errors import Conflict, NotFound, UnknownOrder
from laurels.http import Mounts
from laurels.http.admission.tokens import sign_token
from laurels.http.api.refunds import RefundAccepted, refund_order
from laurels.http.routes import Access, Request, Response, Route, route
from laurels.intake import Id, RefundForm
from laurels.model import DocumentKind, Entry, EntryKind, Line
from laurels.model.lines import Payment
from laurels.model.money import MILLION, format_amount, sum_lines
from laurels.model.times import format_instant
from laurels.workbench.demo.accounts import ACCOUNTS
from laurels.workbench.demo.history import History
from laurels.workbench.demo.outbox import Mail, html_of, mails_to
from laurels.workbench.demo.till import POINTS, give_points_back, pay_with_points, point_value
from laurels.workbench.demo.traffic import Traffic

TOKEN_TTL_S = 300
PAGES = {"/": "demo/shop.html", "/board": "demo/board.html"}

MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'self'; sandbox"
"""A mail may style itself, be framed by the shop, and do nothing else."""

SIGNED_IN = Access(members="own")
ANY_MEMBER = Access(members="any")
UNCACHED = {"Cache-Control": "no-store"}


class ShownCustomer(Struct, frozen=True):
    """Somebody who can be signed in."""

    member_id: str
    name: str
    about: str


class ShownProduct(Struct, frozen=True):
    """A product on the shelf; its price is a decimal string, its category a path as the program names them."""

    sku: str
    title: str
    price: str
    currency: str
    category: str | None


class Storefront(Struct, frozen=True):
    """What the shop's page shows. `point_value` is what a point pays for, a decimal string; None: nothing."""

    customers: list[ShownCustomer]
    products: list[ShownProduct]
    point_value: str | None


class Token(Struct, frozen=True):
    """A token for a few minutes."""

    token: str


class Purchase(Struct, frozen=True, kw_only=True):
    """An order as the shop remembers it. `total` and `left` (after refunds) are decimal strings; `points` are what it
    earned, less what refunds took back, in so many `entries`; `items` say what was bought, and `with_points` how much
    of the total points paid, as far as that is kept.
    """

    order_id: str
    source: str
    ordered_at: str
    total: str
    left: str
    currency: str
    points: int
    entries: int
    items: list[str] = []
    with_points: str | None = None


class RefundQuery(Struct, forbid_unknown_fields=True):
    """Which system numbered the order."""

    source: Id = "checkout"


class Pace(Struct, forbid_unknown_fields=True):
    """How busy the shop is: orders a second of the other customers."""

    orders_per_second: Annotated[float, Meta(ge=0.1, le=500)]


class Bustle(Struct, frozen=True):
    """How busy the shop is, and how many of its customers are made up by now."""

    orders_per_second: float
    customers: int
    of: int


def shop(history: History, traffic: Traffic) -> Mounts:
    """The shop's routes and pages, to put beside the API."""
    return Mounts((*ROUTES, *_bustle(history, traffic)), PAGES)


@route("GET", "/demo/shop", access=None, answers={200: Storefront})
async def show_shop(request: Request) -> Response:
    """Show the shelves, and who can be signed in."""
    customers = [ShownCustomer(customer.member_id, customer.name, customer.about) for customer in ACCOUNTS]
    products = request.services.checkout.catalogue.products
    value = point_value(request, products[0].currency)
    return Response(200, Storefront(customers, [_shown(product) for product in products], value))


@route("POST", "/demo/customers/{member_id}/token", access=None, answers={200: Token}, problems=(NotFound,))
async def token_for(request: Request) -> Response:
    """Sign the customer a token. A real shop looks at its session here; this one lets you be any of its accounts."""
    member_id = request.ids["member_id"]
    if member_id not in {customer.member_id for customer in ACCOUNTS}:
        raise NotFound("The shop has no such customer.")
    token = sign_token(request.services.settings, subject=member_id, scope=None, ttl_s=TOKEN_TTL_S)
    return Response(200, Token(token), UNCACHED)


@route("POST", "/demo/screen/token", access=None, answers={200: Token})
async def token_for_screen(request: Request) -> Response:
    """Sign a token for the screen in the shop: a service without any scope may read the boards alone."""
    return Response(
        200, Token(sign_token(request.services.settings, subject="screen", scope="", ttl_s=TOKEN_TTL_S)), UNCACHED
    )


@route("GET", "/demo/customers/{member_id}/orders", access=SIGNED_IN, answers={200: list[Purchase]})
async def show_orders(request: Request) -> Response:
    """List the customer's orders, newest first."""
    ledger = request.services.ledger
    entries = await request.services.programs.worded(await ledger.entries(request.ids["member_id"]), ledger)
    return Response(200, [await _with_content(request, each) for each in _purchases(entries)], UNCACHED)


@route(
    "POST",
    "/demo/orders/{order_id}/refund",
    access=ANY_MEMBER,
    answers={202: RefundAccepted, 200: RefundAccepted},
    problems=(UnknownOrder, Conflict),
)
async def take_back(request: Request, query: RefundQuery) -> Response:
    """Take an order back as a whole. The shop decides that; Laurels is told by a service, as of any refund."""
    assert request.caller.member_id is not None, "services have nothing to return"
    entries = await request.services.ledger.order_entries(query.source, request.ids["order_id"])
    purchase = next(iter(_purchases(entries)), None)
    if purchase is None or entries[0].member_id != request.caller.member_id:
        raise UnknownOrder
    await give_points_back(request, entries[0].source or query.source, purchase.order_id, request.caller.member_id)
    form = RefundForm(
        refund_id=f"back-{purchase.order_id}"[:128],
        member_id=request.caller.member_id,
        currency=purchase.currency,
        amount=purchase.total,
        source=query.source,
    )
    return await refund_order.handle(msgspec.structs.replace(request, raw=msgspec.json.encode(form)), form)


@route("GET", "/demo/customers/{member_id}/mails", access=SIGNED_IN, answers={200: list[Mail]})
async def show_mails(request: Request) -> Response:
    """List the mails that the customer was sent."""
    address = next((customer.email for customer in ACCOUNTS if customer.member_id == request.ids["member_id"]), None)
    if address is None:
        raise NotFound("The shop has no such customer.")
    return Response(200, await asyncio.to_thread(mails_to, _outbox(request), address), UNCACHED)


@route("GET", "/demo/mails/{mail_id}", access=None, answers={200: None}, problems=(NotFound,))
async def show_mail(request: Request) -> Response:
    """Show a mail as it looks, for a frame."""
    html = await asyncio.to_thread(html_of, _outbox(request), request.ids["mail_id"])
    return Response(200, html, {"Content-Security-Policy": MAIL_POLICY}, "text/html; charset=utf-8")


ROUTES = (show_shop, token_for, token_for_screen, pay_with_points, show_orders, take_back, show_mails, show_mail)


def _bustle(history: History, traffic: Traffic) -> tuple[Route, ...]:
    """The routes that tell how busy the shop is, and make it so."""

    @route("GET", "/demo/bustle", access=None, answers={200: Bustle})
    async def show_bustle(request: Request) -> Response:  # noqa: ARG001 - every route is given its call
        """Tell how busy the shop is."""
        return Response(200, Bustle(traffic.orders_per_second, history.made, history.members), UNCACHED)

    @route("POST", "/demo/bustle", access=None, answers={200: Bustle})
    async def set_bustle(request: Request, form: Pace) -> Response:
        """Let more or fewer customers in."""
        traffic.orders_per_second = form.orders_per_second
        return await show_bustle.handle(request)

    return show_bustle, set_bustle


def _outbox(request: Request) -> Path:
    """Where the channel that writes files writes them."""
    return request.services.settings.state / "outbox"


def _shown(product: Product) -> ShownProduct:
    price = sum_lines([(MILLION, product.unit_price)], product.currency)
    shown = format_amount(price, product.currency)
    return ShownProduct(product.sku, product.title, shown, product.currency, product.category)


def _purchases(entries: Sequence[Entry]) -> list[Purchase]:
    """Orders put together from the entries that they and their refunds led to, newest first."""
    by_order: dict[tuple[str | None, str], list[Entry]] = {}
    for entry in entries:
        if entry.order_id is not None:
            by_order.setdefault((entry.source, entry.order_id), []).append(entry)
    purchases = [_purchase(of_order) for of_order in by_order.values()]
    return sorted((purchase for purchase in purchases if purchase), key=lambda each: each.ordered_at, reverse=True)


def _purchase(entries: Sequence[Entry]) -> Purchase | None:
    """One order; None where its own entry is not among these."""
    earn = next((entry for entry in entries if entry.kind is EntryKind.EARN), None)
    if earn is None or earn.order_id is None or earn.source is None or earn.currency is None:
        return None
    total = earn.amount or 0
    taken_back = sum(entry.amount or 0 for entry in entries if entry.kind is EntryKind.REVERSE)
    return Purchase(
        order_id=earn.order_id,
        source=earn.source,
        ordered_at=format_instant(earn.occurred_at),
        total=format_amount(total, earn.currency),
        left=format_amount(total - taken_back, earn.currency),
        currency=earn.currency,
        points=sum(entry.points for entry in entries),
        entries=len(entries),
    )


async def _with_content(request: Request, purchase: Purchase) -> Purchase:
    """With what was bought (titles from the catalogue, with how many of each where that is more than one), and how much
    of it points paid.
    """
    document = await request.services.ledger.document(DocumentKind.ORDER, purchase.source, purchase.order_id)
    if document is None or document.content is None:
        return purchase
    bought = msgspec.json.decode(document.content, type=_Bought)
    titles = {product.sku: product.title for product in request.services.checkout.catalogue.products}
    counted: Counter[str] = Counter()
    for line in bought.lines:
        counted[titles.get(line.sku, line.sku)] += line.quantity // MILLION
    items = [title if count == 1 else f"{count} x {title}" for title, count in counted.items() if title]
    with_points = sum(payment.amount for payment in bought.payments if payment.method == POINTS)
    shown = format_amount(with_points, purchase.currency) if with_points else None
    return msgspec.structs.replace(purchase, items=items, with_points=shown)


class _Bought(Struct):
    """What an order's kept content says of its lines, and of how it was paid."""

    lines: tuple[Line, ...] = ()
    payments: tuple[Payment, ...] = ()
