"""The body of a checkout as it comes in. Whatever looks like a card number is refused before anything is kept."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from laurels.errors import FieldError, InvalidInput
from laurels.intake.forms import Sku
from laurels.model.cards import looks_like_card

MAX_ITEMS = 100
METHODS = ("card",)

_PRINTABLE = r"^[^\x00-\x1f\x7f]+\Z"


class PaymentDetails(Struct, forbid_unknown_fields=True, kw_only=True):
    """How it is paid. `token` is what the payment provider's own page gave for the card."""

    method: Annotated[
        str,
        Meta(
            max_length=32,
            pattern=_PRINTABLE,
            description="how it is paid",
            examples=list(METHODS),
            extra_json_schema={"enum": list(METHODS)},
        ),
    ]
    token: Annotated[
        str,
        Meta(
            max_length=255,
            pattern=_PRINTABLE,
            description="what the payment provider gave for the card, never its number; the sandbox takes `tok_ok`",
            examples=["tok_ok"],
        ),
    ]

    def __repr__(self) -> str:
        """Without the token, so that no log or traceback has it."""
        return f"PaymentDetails(method={self.method!r})"


class CheckoutForm(
    Struct, forbid_unknown_fields=True, kw_only=True, rename={"item_ids": "itemIds", "payment": "paymentDetails"}
):
    """A checkout: what is bought, an item once for each piece, and how it is paid."""

    item_ids: Annotated[
        list[Sku],
        Meta(
            min_length=1,
            max_length=MAX_ITEMS,
            description="articles of the catalogue, each once for every piece",
            examples=[["85123A", "71053", "71053"]],
        ),
    ]
    payment: PaymentDetails

    def check(self) -> None:
        """Raise `InvalidInput`, never repeating a card number, with every field that is at fault."""
        errors = list(self._errors())
        if errors:
            raise InvalidInput(errors)

    def _errors(self) -> Iterator[FieldError]:
        for field, text in (("method", self.payment.method), ("token", self.payment.token)):
            if looks_like_card(text):
                yield FieldError(
                    f"paymentDetails.{field}", "looks like a card number. Send the payment provider's token instead"
                )
        if self.payment.method not in METHODS:
            yield FieldError("paymentDetails.method", f"must be {' or '.join(METHODS)}")
