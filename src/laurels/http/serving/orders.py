"""Orders that the edge has read as a whole: all that wait are checked in one turn of the loop, accepted in one call,
and answered in one more. The route's own functions check and answer them; no task, future or scope is made for each.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from laurels import clock
from laurels.http.admission.callers import Caller
from laurels.http.api.orders import accepted, order_document, place_order
from laurels.http.app import Application
from laurels.http.dispatcher import admit
from laurels.http.middleware import log_answer, must_log
from laurels.http.problems import answer_problem, log_fault
from laurels.http.requests.bodies import checked_body
from laurels.http.routes import Response
from laurels.http.sending import headers_of
from laurels.intake import OrderForm, decode
from laurels.intake.intake import Outcome
from laurels.model import Document


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


class Answered(NamedTuple):
    """An order's answer: its status, and what the edge sends (ticket, first line, header lines, body)."""

    order: EdgeOrder
    status: int
    wire: tuple[int, bytes, bytes, bytes]


_FAULT = STATUS_LINE[HTTPStatus.INTERNAL_SERVER_ERROR], b"", b""
"""The answer where making one is what fails."""


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
        """Check, accept and answer them. A fault of ours is one order's, where it can be; whatever it is, none is left
        without an answer: its connection would wait for ever.
        """
        waiting = {order.ticket for order in orders}
        try:
            await self._answer_all(orders, waiting)
        except Exception as error:  # noqa: BLE001 - whoever still waits is told
            log_fault(error, None)
            self._core.answer([(ticket, *_FAULT) for ticket in waiting])

    async def _answer_all(self, orders: Sequence[EdgeOrder], waiting: set[int]) -> None:
        began, now = clock.elapsed(), self._services.now()
        checked, refused = [], []
        for order in orders:
            try:
                checked.append(_check(order, now))
            except Exception as error:  # noqa: BLE001 - the table of problems has a row for each
                refused.append(_problem(order, error))
        if refused:
            self._send(refused, began, waiting)
        if checked:
            outcomes = await self._services.intake.accept_each([each.document for each in checked])
            self._send([_outcome(*pair) for pair in zip(checked, outcomes, strict=True)], began, waiting)

    def _send(self, answers: Sequence[Answered], began: float, waiting: set[int]) -> None:
        self._core.answer([answer.wire for answer in answers])
        waiting.difference_update([answer.order.ticket for answer in answers])
        took = clock.elapsed() - began
        for status, count in Counter(answer.status for answer in answers).items():
            self._meter.add(status, count)
        for order, status, _ in answers:
            if must_log(status, order.waited_s + took):
                log_answer(self._meter, order.request_id, status, order.waited_s + took)


def _check(order: EdgeOrder, now: int) -> Checked:
    """What the dispatcher does before a route's function, and what that does before it accepts. The edge takes nothing
    with a query, of another type than JSON, or so large that it had to wait for room.
    """
    ids = admit(place_order, order.caller, {"order_id": order.part})
    form = decode(OrderForm, checked_body(place_order, order.body))
    order_id = ids["order_id"]
    return Checked(order, order_id, *order_document(form, order_id, order.body, order.caller, now))


def _outcome(checked: Checked, outcome: Outcome) -> Answered:
    if isinstance(outcome, Exception):
        return _problem(checked.order, outcome)
    try:
        return _answered(checked.order, accepted(checked.order_id, outcome, checked.warnings))
    except Exception as error:  # noqa: BLE001 - its neighbours' answers are as they are
        return _problem(checked.order, error)


def _problem(order: EdgeOrder, error: Exception) -> Answered:
    scope = {
        "path": f"/order/{order.part}",
        "path_params": {"order_id": order.part},
        "state": {"request_id": order.request_id},
    }
    return _answered(order, answer_problem(scope, error))


def _answered(order: EdgeOrder, response: Response) -> Answered:
    lines = b"".join([b"%b: %b\r\n" % header for header in headers_of(response)])
    return Answered(order, response.status, (order.ticket, STATUS_LINE[response.status], lines, response.encoded))
