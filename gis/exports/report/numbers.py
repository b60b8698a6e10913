"""Numbers as people read them: three or four figures, thousands apart, a dash for what is not known."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["amount", "count", "percent", "plain_number", "probability"]

_NONE = "–"


def amount(value: Any) -> str:
    """An amount or a density: whole from 100 on, else three figures."""
    number = float(value)
    if not math.isfinite(number):
        return _NONE
    if number == 0:
        return "0"
    if abs(number) >= 100:
        return f"{number:,.0f}"
    if abs(number) < 1e-3:
        return f"{number:.1e}"
    return f"{number:.{max(0, 2 - math.floor(math.log10(abs(number))))}f}"


def count(value: Any) -> str:
    """A whole number."""
    number = float(value)
    return _NONE if not math.isfinite(number) else f"{number:,.0f}"


def percent(value: Any) -> str:
    """A share in per cent; what is there but cannot be written with two decimals is below 0.01."""
    number = 100.0 * float(value)
    if not math.isfinite(number):
        return _NONE
    if 0 < number < 0.005:
        return "<0.01 %"
    return (
        f"{number:.0f} %"
        if abs(number) >= 99.95 or number == 0
        else f"{number:.1f} %"
        if abs(number) >= 1
        else f"{number:.2f} %"
    )


def plain_number(value: Any, digits: int = 2) -> str:
    """A statistic with so many decimals."""
    number = float(value)
    return _NONE if not math.isfinite(number) else f"{number:,.{digits}f}"


def probability(value: Any) -> str:
    """A p-value: two figures, with an exponent where it is small."""
    number = float(value)
    if not math.isfinite(number):
        return _NONE
    return f"{number:.1e}" if 0 < number < 1e-3 else f"{number:.3f}"
