"""Card numbers in free text: noticed, so that they are refused before they are kept anywhere."""

import re
from collections.abc import Iterator

SHORTEST, LONGEST = 15, 19

_RUN = re.compile(r"\d+(?:[\s\u2010-\u2015\u2212-]*\d+)*")
_GROUP = re.compile(r"\d+")

# Visa; Mastercard and Maestro (50 to 59); Discover, UnionPay and Maestro (60 to 69); Mastercard 2221 to 2720; American
# Express and Diners Club; JCB.
_ISSUER = re.compile(r"4|5|6|222[1-9]|22[3-9]|2[3-6]|27[01]|2720|3[4678]|30[0-5]|352[89]|35[3-8]")


def looks_like_card(text: str) -> bool:
    """Whether a payment card's number stands in a text: 15 to 19 digits, perhaps in groups parted by spaces or dashes,
    with an issuer's prefix and a right check digit.

    Article numbers and order ids pass: they are shorter, or begin otherwise, or fail the check digit nine times in
    ten. Costs a few microseconds for a sentence.
    """
    return any(_ISSUER.match(number) and _luhn(number) for number in _numbers(text))


def _numbers(text: str) -> Iterator[str]:
    """Every way to read neighbouring groups of digits as one number of a card's length."""
    for run in _RUN.finditer(text):
        groups = [_ascii(group) for group in _GROUP.findall(run.group())]
        for first in range(len(groups)):
            number = ""
            for group in groups[first:]:
                number += group
                if len(number) > LONGEST:
                    break
                if len(number) >= SHORTEST:
                    yield number


def _ascii(digits: str) -> str:
    """The same digits in ASCII: a person may write those of another script."""
    return "".join(str(int(digit)) for digit in digits)


def _luhn(number: str) -> bool:
    """The issuers' check: with each second digit from the right doubled, the digits sum to a multiple of 10."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = (2 * digit - 9 if digit > 4 else 2 * digit for digit in digits[1::2])  # noqa: PLR2004
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
