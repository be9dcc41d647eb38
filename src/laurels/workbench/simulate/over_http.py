"""A running Laurels, over HTTP as a till speaks to it, by the standard library's client in a few threads.

Every call is safe to repeat, so one that was not answered is simply sent again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from queue import SimpleQueue
from typing import Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import msgspec

from laurels.clock import elapsed
from laurels.errors import LaurelsError, LedgerUnavailable, NotAllowed, SettingsError
from laurels.model import EntryKind, Order, Refund
from laurels.model.entries import SCORED
from laurels.model.money import format_amount
from laurels.model.times import format_instant
from laurels.runtime.telling import ShowProgress
from laurels.runtime.upkeep import projected_services, verify_services
from laurels.settings import Settings
from laurels.workbench.simulate.expected import EarnedLine, ExpectedAnswer, ExpectedLedger
from laurels.workbench.simulate.target import CheckedAnswer

SCOPES = "orders:write members:read"
"""What a token needs for a simulated day."""

CONNECTIONS = 16
TIMEOUT_S = 30.0

STILL_S = 30.0
"""Orders of which none moves for so long are given up, and the comparison names them; so is a server that is away."""

PAUSE_S = 0.2

TRIES = 5
"""Looks at a member whose points differ: somebody else may just have bought for the same member."""

PAGE = 100

_ANSWERS = {
    HTTPStatus.ACCEPTED: ExpectedAnswer.ACCEPTED,
    HTTPStatus.OK: ExpectedAnswer.REPEATED,
    HTTPStatus.CONFLICT: ExpectedAnswer.REFUSED,
    HTTPStatus.UNPROCESSABLE_ENTITY: ExpectedAnswer.REFUSED,
}


def shop_address(url: str) -> tuple[SplitResult, str]:
    """A URL in parts, and its host. Raises `SettingsError` for what is none."""
    refusal = SettingsError("--url: write it as http://127.0.0.1:8000")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise refusal from None
    if host is None or port == 0 or parts.scheme not in {"http", "https"}:
        raise refusal
    return parts, host


@asynccontextmanager
async def open_server(
    url: str, token: str, run: str, progress: ShowProgress, *, far: bool, ledger_here: Settings | None
) -> AsyncIterator["OverHttp"]:
    """A shop behind a URL. `ledger_here` are the settings of its ledger where that can be verified from here.

    Raises `SettingsError` for a URL that is not on this machine, unless it may be `far`.
    """
    from laurels.http.admission.startup_checks import is_loopback  # noqa: PLC0415 - the HTTP server takes a while to load

    parts, host = shop_address(url)
    if not (far or is_loopback(host)):
        raise SettingsError(
            f"{host} is not this machine, and made-up orders cannot be taken out of a ledger again. "
            "Say --far if that shop is meant to have them."
        )
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    with ExitStack() as stack:
        connections = [
            stack.enter_context(closing(kind(host, parts.port, timeout=TIMEOUT_S))) for _ in range(CONNECTIONS)
        ]
        threads = ThreadPoolExecutor(CONNECTIONS)
        stack.callback(threads.shutdown, cancel_futures=True)  # first: a thread would open its connection anew
        target = OverHttp(connections, threads, parts.path.rstrip("/"), token, run, ledger_here, progress)
        await target.ask("GET", "/readyz")
        yield target


class OverHttp:
    """A `Target` behind a URL."""

    def __init__(
        self,
        connections: Iterable[HTTPConnection],
        threads: ThreadPoolExecutor,
        root: str,
        token: str,
        run: str,
        ledger_here: Settings | None,
        progress: ShowProgress,
    ) -> None:
        """Each call takes a thread and a connection, so there have to be as many of both. `root` begins every path."""
        self._connections: SimpleQueue[HTTPConnection] = SimpleQueue()
        for connection in connections:
            self._connections.put(connection)
        self._threads = threads
        self._root = root
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._run = run
        self._ledger_here = ledger_here
        self._progress = progress

    async def send(self, documents: Sequence[Order | Refund]) -> list[ExpectedAnswer]:
        """One call each, as a till does; the orders of a burst in one call, after its refunds."""
        if len(documents) == 1:
            return [await self._send_one(documents[0])]
        orders = [document for document in documents if isinstance(document, Order)]
        refunds = [document for document in documents if isinstance(document, Refund)]
        answers: dict[int, ExpectedAnswer] = {id(refund): await self._send_one(refund) for refund in refunds}
        if orders:
            body = [_form(order) | {"order_id": order.order_id} for order in orders]
            status, results = await self.ask("POST", "/orders", body)
            if status != HTTPStatus.OK:
                raise LaurelsError(f"The server answered {status} to orders in bulk.")
            answers |= {
                id(order): _ANSWERS[HTTPStatus(result["http"])] for order, result in zip(orders, results, strict=True)
            }
        return [answers[id(document)] for document in documents]

    async def settle(self, expected: ExpectedLedger) -> None:
        """Ask for every order until none is left that is still to be awarded."""
        order_ids = expected.order_ids()
        waiting, moved_at = order_ids, elapsed()
        with self._progress("awarding", "orders") as report:
            while waiting and elapsed() - moved_at < STILL_S:
                statuses = await self._each(self._status, waiting)
                left = [order_id for order_id, status in zip(waiting, statuses, strict=True) if status == "accepted"]
                if len(left) < len(waiting):
                    moved_at = elapsed()
                waiting = left
                report(len(order_ids) - len(waiting), len(order_ids))
                if waiting:
                    await asyncio.sleep(PAUSE_S)

    async def lines(self, expected: ExpectedLedger) -> list[EarnedLine]:
        """Read from the entries of every member."""
        members = expected.member_ids()
        entries = await self._each(self._entries, members)
        return [
            EarnedLine(entry["order_id"], EntryKind(entry["kind"]), entry["points"])
            for of_member in entries
            for entry in of_member
            if str(entry.get("order_id", "")).startswith(f"{self._run}-")
        ]

    async def check(self, expected: ExpectedLedger) -> CheckedAnswer:
        """Whether the board shows every member's entries; and the ledger as a whole, where it is here."""
        members = expected.member_ids()
        with self._progress("asking", "members") as report:
            answers = await self._each(self._difference, members, report)
        differences = [difference for difference in answers if difference]
        if self._ledger_here is None:
            return CheckedAnswer(differences, None)
        async with projected_services(self._ledger_here, self._progress) as services:
            return CheckedAnswer.of(await verify_services(services, self._progress), *differences)

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One call: the status and the answer. Raises `LedgerUnavailable`, and `NotAllowed` for a token that does not
        do.
        """
        raw = None if body is None else msgspec.json.encode(body)
        loop = asyncio.get_running_loop()
        status, answer = await loop.run_in_executor(self._threads, self._call, method, path, raw)
        said: Any = msgspec.json.decode(answer)
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise NotAllowed(f"The server does not let the simulator in: {said['detail']} It needs: {SCOPES}.")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise LedgerUnavailable(f"The server answered {status}.")
        return status, said

    def _call(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        """The call in a thread, on a connection that is free."""
        connection = self._connections.get()
        try:
            with suppress(OSError, HTTPException):
                return self._try(connection, method, path, body)
            connection.close()  # the server may have hung up meanwhile; a closed connection opens anew
            return self._try(connection, method, path, body)
        except (OSError, HTTPException) as error:
            connection.close()
            raise LedgerUnavailable(f"The server cannot be reached: {error}") from error
        finally:
            self._connections.put(connection)

    def _try(self, connection: HTTPConnection, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        connection.request(method, self._root + path, body, self._headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    async def _send_one(self, document: Order | Refund) -> ExpectedAnswer:
        path = f"/order/{quote(document.order_id or '', safe='')}"
        status, said = await self.ask(
            "POST", path if isinstance(document, Order) else f"{path}/refund", _form(document)
        )
        if status not in _ANSWERS:
            raise LaurelsError(f"The server answered {status}: {said}")
        return _ANSWERS[HTTPStatus(status)]

    async def _each(
        self, question: Callable[[str], Any], about: Sequence[str], report: Callable[[int, int], None] | None = None
    ) -> list[Any]:
        """The answers to one question about many, as many at once as there are connections."""
        answers: list[Any] = []
        for start in range(0, len(about), CONNECTIONS):
            answers += await asyncio.gather(*map(question, about[start : start + CONNECTIONS]))
            if report is not None:
                report(len(answers), len(about))
        return answers

    async def _look(self, path: str) -> tuple[int, Any]:
        """Ask what is there; a server that is away for a moment is asked again."""
        began = elapsed()
        while True:
            try:
                return await self.ask("GET", path)
            except LedgerUnavailable:
                if elapsed() - began > STILL_S:
                    raise
                await asyncio.sleep(PAUSE_S)

    async def _status(self, order_id: str) -> str:
        _, said = await self._look(f"/order/{quote(order_id, safe='')}?{urlencode({'source': self._run})}")
        return str(said["status"])

    async def _entries(self, member_id: str) -> list[dict[str, Any]]:
        """All entries of a member, newest first."""
        entries: list[dict[str, Any]] = []
        query = {"limit": str(PAGE)}
        while True:
            status, said = await self._look(f"/loyalty/{quote(member_id, safe='')}/entries?{urlencode(query)}")
            if status != HTTPStatus.OK:  # of this member only refunds were sent, and their orders never came
                return entries
            entries += said["entries"]
            if said["next"] is None:
                return entries
            query["after"] = said["next"]

    async def _difference(self, member_id: str) -> str | None:
        """What the board shows differently from a member's entries; it may be behind them for a moment."""
        shown = summed = 0
        for _ in range(TRIES):
            entries = await self._entries(member_id)
            summed = sum(entry["points"] for entry in entries if EntryKind(entry["kind"]) in SCORED)
            status, dashboard = await self._look(f"/loyalty/{quote(member_id, safe='')}?top=0&around=0")
            shown = dashboard["me"]["points"] if status == HTTPStatus.OK else 0
            if shown == summed:
                return None
            await asyncio.sleep(PAUSE_S)
        return f"board all-time shows {shown} points of member {member_id}, whose entries sum to {summed}"


def _form(document: Order | Refund) -> dict[str, str]:
    """The document in the words of the wire."""
    form = {"member_id": document.member_id, "currency": document.currency, "source": document.source}
    if document.occurred_at is not None:
        form["occurred_at"] = format_instant(document.occurred_at)
    if isinstance(document, Order):
        return form | {"channel": document.channel, "total": format_amount(document.total, document.currency)}
    amount = format_amount(document.amount, document.currency)
    return form | {"refund_id": document.refund_id, "amount": amount}
