"""A shop whose orders come by a queue: its messages, sent thrice and shuffled with poison among them; `laurels consume`
as processes that are killed; and the judgement at the end.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from tests.ending import end

from laurels.ledger import Ledger
from laurels.model import DocumentKind

POISON_SHARE = 0.01
IN_TIME_S = 240.0

_POISON: Sequence[bytes] = (
    b"",
    b"\xff\xfe\x00not text",
    b"{",
    b"[]",
    b'{"kind": "order"}',
    b'{"kind": "wish", "order_id": "A1"}',
    b'{"kind": "order", "order_id": "A1", "member_id": "m", "currency": "GBP", "total": 25.00}',
    b'{"kind": "refund", "refund_id": "R1", "member_id": "m", "currency": "GBP", "amount": "-1.00"}',
)


class Messages:
    """So many orders of few members, a tenth of them refunded, and poison; `sent` is each message three times."""

    def __init__(self, rng: Random, orders: int, *, text: bool = False) -> None:
        documents: list[bytes] = []
        self.orders = {f"A{n}": f"m{rng.randrange(50)}" for n in range(orders)}
        for order_id, member_id in self.orders.items():
            documents.append(_message(kind="order", order_id=order_id, member_id=member_id, total="25.00"))
            if rng.random() < 0.1:
                documents.append(
                    _message(
                        kind="refund", refund_id=f"R{order_id}", order_id=order_id, member_id=member_id, amount="5.00"
                    )
                )
        kinds = [each for each in _POISON if not text or _is_sqs_text(each)]
        self.poison = {
            rng.choice(kinds) + b" " * n if n % 2 and not text else b"%s #%d" % (rng.choice(kinds), n)
            for n in range(max(len(kinds), int(orders * POISON_SHARE)))
        }
        self.documents = documents
        self.sent = [*documents, *self.poison] * 3
        rng.shuffle(self.sent)


class Consumers:
    """`laurels consume URL`, in processes of their own, started again when they end."""

    def __init__(self, state: Path, url: str, count: int) -> None:
        self._command = [sys.executable, "-m", "laurels", "consume", "--state", str(state)]
        self._environment = os.environ | {"LAURELS_CONSUME_URL": url, "LAURELS_LOG_FORMAT": "json"}
        self._log = (state.parent / "consume.log").open("ab")
        self._running = [self._start() for _ in range(count)]
        self.killed = 0

    def kill(self, rng: Random) -> None:
        """SIGKILL one of them; another takes its place."""
        place = rng.randrange(len(self._running))
        end(self._running[place], signal.SIGKILL)
        self.killed += 1
        self._running[place] = self._start()

    def tend(self) -> None:
        """Start those again that ended because nobody answered them."""
        for place, each in enumerate(self._running):
            if each.poll() is not None:
                self._running[place] = self._start()

    def ended(self) -> int:
        """How many of those that should be running are not."""
        return sum(each.poll() is not None for each in self._running)

    def close(self) -> None:
        """Let them finish."""
        for each in self._running:
            end(each)
        self._log.close()

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )


def wait_until(condition: Callable[[], bool], between: Callable[[], object] = int) -> None:
    """Wait until a condition holds. Fails the test after a generous time."""
    deadline = time.monotonic() + IN_TIME_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        between()
        time.sleep(0.1)


async def missing(ledger: Ledger, messages: Messages) -> int:
    """How many documents and poisoned messages the ledger has not yet. A broker's own count of what is left may be some
    seconds old.
    """
    counts = 0
    for message in messages.documents:
        document = json.loads(message)
        kind = DocumentKind(document["kind"])
        counts += await ledger.document(kind, "shop", document.get("refund_id") or document["order_id"]) is None
    return counts + max(0, len(messages.poison) - len(await ledger.quarantine(after=0, limit=1000)))


async def judge(ledger: Ledger, messages: Messages, *, at_end: bool) -> int:
    """See that nothing is in the ledger that was not sent, and nothing twice; at the end, that all is there, and the
    poison in quarantine byte for byte. Gives how many documents are there.
    """
    there = 0
    for message in messages.documents:
        document = json.loads(message)
        kind = DocumentKind(document["kind"])
        state = await ledger.document(kind, "shop", document.get("refund_id") or document["order_id"])
        there += state is not None
        assert state is not None or not at_end, f"{document} was lost"
    if at_end:
        listed, after = [], 0
        while page := await ledger.quarantine(after=after, limit=1000):
            listed += page
            after = page[-1].sequence
        kept = [(await ledger.quarantined(each.kind, each.source, each.id)).raw for each in listed]
        assert Counter(kept) == Counter(messages.poison)
        expected: Counter[str] = Counter()
        for member_id in messages.orders.values():
            expected[member_id] += 3
        for message in messages.documents:
            document = json.loads(message)
            expected[document["member_id"]] -= document["kind"] == "refund"
        for member_id, points in expected.items():
            balance = await ledger.balance(member_id)
            assert balance is not None
            assert balance[0].balance == points
    return there


def _message(**fields: Any) -> bytes:
    return json.dumps({"currency": "GBP", **fields}).encode()


def _is_sqs_text(body: bytes) -> bool:
    """What SQS takes: text of at least one character."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return False
    return bool(text) and "\x00" not in text
