"""Card numbers in free text. The numbers are the issuers' published test numbers, or made with a right check digit."""

import random
import time

import pytest

from laurels.model.cards import looks_like_card

CARDS = [
    "4111111111111111",
    "4000000000000000006",
    "5555555555554444",
    "5105105105105100",
    "2223003122003222",
    "2720990000000007",
    "378282246310005",
    "341111111111111",
    "6011111111111117",
    "6445644564456445",
    "6559906559906557",
    "3056930009020004",
    "3607050000000000008",
    "3566002020360505",
    "3528000700000000",
    "6759649826438453",
    "5018000000000009",
    "6205500000000000004",
]


@pytest.mark.parametrize("card", CARDS)
def test_card_numbers_are_noticed_however_they_are_written(card: str) -> None:
    grouped = [card[n : n + 4] for n in range(0, len(card), 4)]
    arabic = "".join(chr(0x0660 + int(digit)) for digit in card)
    for written in (card, " ".join(grouped), "-".join(grouped), "\u00a0".join(grouped), " - ".join(grouped), arabic):
        for text in (written, f"paid with {written}.", f"Visa{written}exp 12/28", f"2 x {written}", f"12 {written} 12"):
            assert looks_like_card(text), text


@pytest.mark.parametrize("card", CARDS)
def test_a_wrong_check_digit_is_no_card(card: str) -> None:
    assert not looks_like_card(card[:-1] + str((int(card[-1]) + 1) % 10))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "goodwill",
        "order 581483, invoice C581484, customer 16446",
        "5000159407236",  # EAN-13
        "article 85123A, 84029G",
        "01234567890128",  # GTIN-14
        "2026-11-01T10:00:00Z",
        "550e8400-e29b-41d4-a716-446655440000",
        "+44 20 7946 0958, then +353 1 496 0000",
        "1 2 3 4 5",
        "411111111111111111111111",  # longer than any card
        "7411111111111111",
        "1234567890123456",
    ],
)
def test_article_numbers_and_order_ids_pass(text: str) -> None:
    assert not looks_like_card(text)


def test_any_number_with_a_prefix_and_a_check_digit_is_noticed(rng: random.Random) -> None:
    for _ in range(300):
        start = rng.choice(["4", "51", "2221", "34", "6011", "36", "305", "3589", "50", "62"])
        length = rng.randint(14, 18)
        digits = start + "".join(rng.choice("0123456789") for _ in range(length - len(start)))
        [check] = [last for last in "0123456789" if looks_like_card(digits + last)]
        assert slow_luhn(digits + check)


def slow_luhn(number: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(number), 1):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += sum(int(one) for one in str(value))
    return total % 10 == 0


def test_a_hostile_text_costs_little() -> None:
    began = time.process_time()
    for text in ("4 " * 250, "4-" * 250, "4" * 500, "4111 " * 100, "- " * 250):
        looks_like_card(text)
    assert time.process_time() - began < 5
