"""Which currencies a sign of money stands for: before an amount in another one it contradicts it."""

import re

from laurels.model.currencies import DECIMALS

_DOLLARS = (
    "USD AUD BBD BMD BND BSD BZD CAD FJD GYD HKD JMD KYD LRD NAD NZD SBD SGD SRD TTD TWD XCD ARS CLP COP CUP DOP MXN "
    "UYU BRL NIO"
)
_LETTERED = {
    "US$": "USD", "C$": "CAD", "CA$": "CAD", "CDN$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD", "HK$": "HKD",
    "S$": "SGD", "SG$": "SGD", "R$": "BRL", "MX$": "MXN", "MEX$": "MXN", "NT$": "TWD", "J$": "JMD", "TT$": "TTD",
    "BZ$": "BZD", "FJ$": "FJD", "EC$": "XCD", "N$": "NAD",
}  # fmt: skip
"""Dollars with letters that say whose; with a space or points between, too."""

_SYMBOLS = {
    "$": tuple(_DOLLARS.split()),
    "£": ("GBP", "FKP", "GIP", "SHP", "EGP", "LBP", "SDG", "SSP", "SYP"),
    "€": ("EUR",),
    "¥": ("JPY", "CNY"),
    "₹": ("INR",),
    "₩": ("KRW", "KPW"),
    "₽": ("RUB",),
    "₺": ("TRY",),
    "₴": ("UAH",),
    "₪": ("ILS",),
    "₫": ("VND",),
    "฿": ("THB",),
    "₱": ("PHP",),
    "₦": ("NGN",),
    "zł": ("PLN",),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
}


def currencies_of(sign: str) -> tuple[str, ...] | None:
    """The currencies that a sign may stand for (`$`, `US$`, `GBP`); None: it is not known, and stands for any."""
    letters = re.sub(r"[\s.]", "", sign).upper()
    if letters in _LETTERED:
        return (_LETTERED[letters],)
    for code in (letters, f"{letters.removesuffix('$')}D" if letters.endswith("$") else letters):
        if code in DECIMALS:
            return (code,)
    return next((codes for symbol, codes in _SYMBOLS.items() if symbol in sign.lower()), None)
