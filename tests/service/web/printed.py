"""Numbers as the page is to print them, written down a second time: what is shown is compared as text, to the last digit."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal

SPECIES = {"co2": "CO₂", "nox": "NOx", "pm25": "PM₂.₅"}
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def amount(value: float | None) -> str:
    """Four significant digits, none behind the point from a thousand on."""
    if value is None or not math.isfinite(value):
        return "–"
    if value != 0 and abs(value) < 0.001:
        digits, power = f"{value:.1e}".split("e-")
        return f"{digits} × 10⁻{str(int(power)).translate(_RAISED)}"
    exact = Decimal(repr(float(value)))
    return _plain(exact.quantize(Decimal(1), ROUND_HALF_UP) if abs(exact) >= 1000 else _significant(exact))


def mass(tonnes: float | None, *, zh: bool = False) -> str:
    """Tonnes with their unit, in larger ones where there are many."""
    if tonnes is None:
        return "–"
    steps = [(1e8, "亿吨"), (1e4, "万吨"), (1.0, "吨")] if zh else [(1e6, "Mt"), (1e3, "kt"), (1.0, "t")]
    by, unit = next((s for s in steps if abs(tonnes) >= s[0]), steps[-1])
    return f"{amount(float(_significant(Decimal(tonnes / by))))} {unit}"


def percent(share: float | None, digits: int = 1) -> str:
    """A share of a hundred."""
    if share is None or not math.isfinite(share):
        return "–"
    hundred = share * 100
    if hundred != 0 and abs(hundred) < 10**-digits / 2:
        return f"< {10**-digits:.{digits}f} %"
    return f"{Decimal(hundred).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):f} %"


def count(value: int | None) -> str:
    """A whole number with separators of thousands."""
    return "–" if value is None else f"{value:,}"


def _significant(value: Decimal, digits: int = 4) -> Decimal:
    return value.quantize(Decimal(1).scaleb(value.adjusted() - digits + 1), ROUND_HALF_UP) if value else value


def _plain(value: Decimal) -> str:
    return f"{value.normalize():,f}" if value else "0"
