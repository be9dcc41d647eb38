"""The payment provider's port: what any provider has to be able to do, and what it promises.

A provider answers each payment once and for ever. Whoever asks again, after a crash or from another process, hears the
first answer, and nothing is charged a second time.
"""

from typing import Protocol

from msgspec import Struct

INTERRUPTED = "interrupted"
"""The reason of a payment that was given up before it was made."""

CONFLICT = "conflict"
"""The reason where a key was used before for something else."""


class PaymentRequest(Struct, frozen=True, kw_only=True):
    """What is to be paid. `key` names it for ever; `amount` is in minor units, more than zero."""

    key: str
    amount: int
    currency: str
    method: str


class Paid(Struct, frozen=True, tag="paid"):
    """The money was taken; `reference` is the provider's name for it."""

    reference: str


class Declined(Struct, frozen=True, tag="declined"):
    """The money was not taken and never will be under this key; `reason` is one word."""

    reason: str


PaymentOutcome = Paid | Declined


class Payments(Protocol):
    """A payment provider. Calls for one key may come at once, from many processes.

    Both questions raise `PaymentsUnavailable` where no answer came: then it is not known what became of the payment,
    and asking again tells. The same key with another amount, currency or method is declined with the reason
    `conflict`, and the first payment stays as it was.
    """

    name: str

    async def pay(self, payment: PaymentRequest, token: str) -> PaymentOutcome:
        """Take the money, unless this key was answered before: then that answer again, whatever the token is now."""
        ...

    async def give_up(self, payment: PaymentRequest) -> PaymentOutcome:
        """Say what became of a payment; where nothing did, make sure that nothing will, and decline it `interrupted`.

        Asking alone would not do: a process that was held up could still pay after the answer "nothing yet".
        """
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...
