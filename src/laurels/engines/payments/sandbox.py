"""A provider without money: the token `tok_ok` is paid, every other one is declined.

Each payment it answered is one file named by the payment's key, written whole and never again. So the file system
itself keeps the promise of one answer for ever, whoever asks at the same time, and a test can count the charges.
"""

import asyncio
import hashlib
from pathlib import Path

import msgspec
from msgspec import Struct

from laurels.checkout import CONFLICT, INTERRUPTED, Declined, Paid, PaymentOutcome, PaymentRequest
from laurels.errors import PaymentsUnavailable
from laurels.keyfile import write_once

TOKEN_PAID = "tok_ok"  # noqa: S105 - a word for tests, not a secret


class _PaymentRecord(Struct, frozen=True):
    """What one file holds. The token is not in it."""

    payment: PaymentRequest
    outcome: PaymentOutcome


class SandboxPayments:
    """Payments kept in a folder, which is made when it is first needed. A payment costs three flushes to disk."""

    name = "sandbox"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def pay(self, payment: PaymentRequest, token: str) -> PaymentOutcome:
        outcome = Paid(f"sandbox-{_digest(payment)}") if token == TOKEN_PAID else Declined("declined")
        return await asyncio.to_thread(self._answer, payment, outcome)

    async def give_up(self, payment: PaymentRequest) -> PaymentOutcome:
        return await asyncio.to_thread(self._answer, payment, Declined(INTERRUPTED))

    async def close(self) -> None:
        return

    def charges(self) -> list[PaymentRequest]:
        """What was charged, in no order."""
        records = [_read(path) for path in self._folder.glob("*.json")]
        return [record.payment for record in records if isinstance(record.outcome, Paid)]

    def _answer(self, payment: PaymentRequest, outcome: PaymentOutcome) -> PaymentOutcome:
        """The first answer under the payment's key: this one, where there was none."""
        path = self._folder / f"{_digest(payment)}.json"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                write_once(path, msgspec.json.encode(_PaymentRecord(payment, outcome)).decode())
            first = _read(path)
        except OSError as error:
            raise PaymentsUnavailable(
                f"The sandbox's folder {self._folder} cannot be used: {error.strerror}"
            ) from error
        return first.outcome if first.payment == payment else Declined(CONFLICT)


def _read(path: Path) -> _PaymentRecord:
    return msgspec.json.decode(path.read_bytes(), type=_PaymentRecord)


def _digest(payment: PaymentRequest) -> str:
    """A file name for any key, on systems that do not tell capital letters from small ones too."""
    return hashlib.blake2b(payment.key.encode(), digest_size=16).hexdigest()
