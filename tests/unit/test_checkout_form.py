"""What may come in at the checkout."""

import json
from typing import Any

import pytest

from laurels.checkout import CheckoutForm
from laurels.errors import InvalidInput
from laurels.intake import decode

GOOD = {"itemIds": ["85123A", "71053", "71053"], "paymentDetails": {"method": "card", "token": "tok_ok"}}

VISA = "4111111111111111"


def read(body: Any) -> CheckoutForm:
    form = decode(CheckoutForm, json.dumps(body).encode())
    form.check()
    return form


def paying(**details: Any) -> dict[str, Any]:
    return GOOD | {"paymentDetails": {"method": "card", "token": "tok_ok"} | details}


def test_a_checkout_is_read() -> None:
    form = read(GOOD)
    assert form.item_ids == ["85123A", "71053", "71053"]
    assert (form.payment.method, form.payment.token) == ("card", "tok_ok")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (GOOD | {"total": "0.01"}, "total"),
        (GOOD | {"member_id": "17850"}, "member_id"),
        (paying(number="1"), "paymentDetails.number"),
        ({"itemIds": ["A"]}, "paymentDetails"),
        ({"paymentDetails": GOOD["paymentDetails"]}, "itemIds"),
        (GOOD | {"itemIds": []}, "itemIds"),
        (GOOD | {"itemIds": ["A"] * 101}, "itemIds"),
        (GOOD | {"itemIds": [""]}, "itemIds[0]"),
        (GOOD | {"itemIds": ["A\nB"]}, "itemIds[0]"),
        (GOOD | {"itemIds": ["A" * 129]}, "itemIds[0]"),
        (GOOD | {"itemIds": [71053]}, "itemIds[0]"),
        (paying(token=""), "paymentDetails.token"),
        (paying(token="t" * 256), "paymentDetails.token"),
        (paying(token="tok\x00ok"), "paymentDetails.token"),
        (paying(token=None), "paymentDetails.token"),
        (paying(method=""), "paymentDetails.method"),
        (paying(method="cash"), "paymentDetails.method"),
    ],
)
def test_anything_else_is_refused_by_its_name(body: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(body)
    assert [error.field for error in caught.value.errors] == [field]


def test_a_hundred_items_are_taken() -> None:
    assert len(read(GOOD | {"itemIds": ["A"] * 100}).item_ids) == 100


@pytest.mark.parametrize("number", [VISA, "4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005"])
@pytest.mark.parametrize("field", ["token", "method"])
def test_a_card_number_is_refused_and_not_repeated(field: str, number: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(paying(**{field: f"pay {number}" if field == "token" else number}))
    assert f"paymentDetails.{field}" in [error.field for error in caught.value.errors]
    assert "card number" in caught.value.message
    assert number not in caught.value.message
    assert number not in repr(caught.value)


def test_a_form_does_not_show_its_token() -> None:
    assert "tok_ok" not in repr(read(GOOD))
