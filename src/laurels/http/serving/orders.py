"""Orders that the edge has read as a whole: all that wait are checked in one turn of the loop, accepted in one call,
and answered in one more. The route's own functions check and answer them; no task, future or scope is made for each.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from laurels import clock
from laurels.http.admission.callers import Caller
from laurels.http.api.orders import accepted, order_document, place_order
from laurels.http.app import Application
from laurels.http.dispatcher import admit
from laurels.http.middleware import log_answer, must_log
from laurels.http.problems import answer_problem
from laurels.http.requests.bodies import checked_body
from laurels.http.routes import Response
from laurels.http.sending import headers_of
from laurels.intake import OrderForm, decode
from laurels.intake.intake import Outcome
from laurels.model import Document

log = structlog.get_logger(__name__)


class EdgeOrder(NamedTuple):
    """An order as the edge gives it: the ticket to answer it by, its id as it was sent, its body, the id of its
    request, who sent it, and for how many seconds it has waited.
    """

    ticket: int
    part: str
    body: bytes
    request_id: str
    caller: Caller
    waited_s: float


class Checked(NamedTuple):
    """An order that may go into the ledger, and what of it is left out."""

    order: EdgeOrder
    order_id: str
    document: Document
    warnings: Sequence[Any]


class EdgeOrders:
    """Answers the orders of one edge."""

    def __init__(self, app: Application, core: Any) -> None:
        """`core` is the edge's thread."""
        self._services = app.dispatcher.services
        self._meter = app.dispatcher.meters[place_order.method, place_order.path]
        self._core = core
        self._at_work: set[asyncio.Task[None]] = set()

    def take(self, orders: Sequence[tuple[int, str, bytes, str, Any, float]]) -> None:
        """Have these answered."""
        task = asyncio.create_task(self._answer([EdgeOrder(*order) for order in orders]))
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)

    async def finish(self) -> None:
        """Return when all are answered."""
        await asyncio.gather(*self._at_work, return_exceptions=True)

    async def _answer(self, orders: Sequence[EdgeOrder]) -> None:
        began, now = clock.elapsed(), self._services.now()
        checked, refused = [], []
        for order in orders:
            try:
                checked.append(_check(order, now))
            except Exception as error:  # noqa: BLE001 - the table of problems has a row for each
                refused.append((order, _problem(order, error)))
        if refused:
            self._send(refused, began)
        if checked:
            outcomes = await self._services.intake.accept_each([each.document for each in checked])
            self._send([_outcome(*pair) for pair in zip(checked, outcomes, strict=True)], began)

    def _send(self, answers: Sequence[tuple[EdgeOrder, Response]], began: float) -> None:
        took = clock.elapsed() - began
        for status, count in Counter(response.status for _, response in answers).items():
            self._meter.add(status, count)
        for order, response in answers:
            if must_log(response.status, order.waited_s + took):
                log_answer(self._meter, order.request_id, response.status, order.waited_s + took)
        self._core.answer([_on_the_wire(order.ticket, response) for order, response in answers])


def _check(order: EdgeOrder, now: int) -> Checked:
    """What the dispatcher does before a route's function, and what that does before it accepts. The edge takes nothing
    with a query, of another type than JSON, or so large that it had to wait for room.
    """
    ids = admit(place_order, order.caller, {"order_id": order.part})
    form = decode(OrderForm, checked_body(place_order, order.body))
    order_id = ids["order_id"]
    return Checked(order, order_id, *order_document(form, order_id, order.body, order.caller, now))


def _outcome(checked: Checked, outcome: Outcome) -> tuple[EdgeOrder, Response]:
    if isinstance(outcome, Exception):
        return checked.order, _problem(checked.order, outcome)
    return checked.order, accepted(checked.order_id, outcome, checked.warnings)


def _problem(order: EdgeOrder, error: Exception) -> Response:
    scope = {
        "path": f"/order/{order.part}",
        "path_params": {"order_id": order.part},
        "state": {"request_id": order.request_id},
    }
    return answer_problem(scope, error)


def _on_the_wire(ticket: int, response: Response) -> tuple[int, bytes, bytes, bytes]:
    lines = b"".join([b"%b: %b\r\n" % header for header in headers_of(response)])
    return ticket, STATUS_LINE[response.status], lines, response.encoded
