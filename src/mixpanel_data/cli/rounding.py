"""Numbers as a person reads them."""

from __future__ import annotations

import re
from decimal import Decimal

LONG = re.compile(r"-?\d+\.\d{5,}|-?\d+(\.\d+)?e[+-]?\d+")
SMALL = Decimal("0.001")


def rounded(number: str) -> str:
    """The number to four decimals; where it is written with a power of ten, or four decimals would leave little of it,
    to four digits."""
    if not LONG.fullmatch(number):
        return number
    value = Decimal(number)
    if "e" in number or abs(value) < SMALL:
        return f"{float(value):.4g}"
    whole, _, decimals = f"{value:.4f}".partition(".")
    return f"{whole}.{decimals.rstrip('0') or '0'}"
