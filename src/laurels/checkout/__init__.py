"""Checkout: a member buys from the catalogue and pays; the paid order goes the way of every order.

An order that was paid for is accepted, and an order that was accepted was paid for, whoever dies at whichever
instruction. `checkout.py` is the flow; what it depends on are two ports: `payments.py`, a payment provider, and
`intents.py`, a durable note of what is to be paid, made before any money moves.

What is kept: while an intent is under way, the order with its buyer; afterwards the total and how it ended. Never kept:
the payment token, which passes through on its way to the provider. Card data is refused before anything is kept.
"""

from laurels.checkout.catalogue import Catalogue, PricedItems, Product, read_catalogue
from laurels.checkout.checkout import Answer, Checkout, Failure, Success
from laurels.checkout.forms import CheckoutForm, PaymentDetails
from laurels.checkout.intents import CIRCLE, SOURCE, Intent, IntentState, IntentStore, is_bought, is_purchase
from laurels.checkout.payments import CONFLICT, INTERRUPTED, Declined, Paid, PaymentOutcome, PaymentRequest, Payments

__all__ = [
    "CIRCLE",
    "CONFLICT",
    "INTERRUPTED",
    "SOURCE",
    "Answer",
    "Catalogue",
    "Checkout",
    "CheckoutForm",
    "Declined",
    "Failure",
    "Intent",
    "IntentState",
    "IntentStore",
    "Paid",
    "PaymentDetails",
    "PaymentOutcome",
    "PaymentRequest",
    "Payments",
    "PricedItems",
    "Product",
    "Success",
    "is_bought",
    "is_purchase",
    "read_catalogue",
]
