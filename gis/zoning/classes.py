"""Classes: what it means that a cell is hot for carbon, for pollutants, for both. Bit 0 is carbon, bit i pollutant i."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter

__all__ = ["CellClass", "class_table", "rule_table"]

_BITS = 8


class CellClass(IntEnum):
    """Classes in the order of their precedence: where two claim a cell, the greater has it."""

    NONE = 0
    WATCH = 1
    CARBON_ONLY = 2
    POLLUTION_ONLY = 3
    CO_CONTROL = 4

    @property
    def code(self) -> str:
        """As it stands in tables: none, watch, carbon_only, pollution_only, co_control."""
        return self.name.lower()

    @property
    def digit(self) -> int:
        """Digit of a draft's code: 2 (priority control) where pollutants are hot, 3 (general control) otherwise.

        A tonne of CO2 counts the same anywhere: a carbon-only hotspot is no reason for an order about a place.
        """
        return 2 if self in (CellClass.CO_CONTROL, CellClass.POLLUTION_ONLY) else 3


def class_table(pollutants: int, min_pollutants: int) -> NDArray[np.uint8]:
    """The class of each of the 256 sets of bits: the truth table of docs/methods.md."""
    _check(pollutants, min_pollutants)
    out = np.zeros(1 << _BITS, np.uint8)
    for bits in range(1 << (pollutants + 1)):
        carbon, hot = bits & 1, (bits >> 1).bit_count()
        if hot >= min_pollutants:
            out[bits] = CellClass.CO_CONTROL if carbon else CellClass.POLLUTION_ONLY
        elif carbon:
            out[bits] = CellClass.WATCH if hot else CellClass.CARBON_ONLY
    return out


def rule_table(pollutants: int, min_pollutants: int) -> NDArray[np.uint8]:
    """Which classes' rules each set of bits meets at least: bit c stands for class c.

    A cell where CO2 and two pollutants are hot meets the rule of every class; what grows over it is settled by precedence.
    """
    _check(pollutants, min_pollutants)
    out = np.zeros(1 << _BITS, np.uint8)
    for bits in range(1 << (pollutants + 1)):
        carbon, hot = bool(bits & 1), (bits >> 1).bit_count()
        met = {
            CellClass.CO_CONTROL: carbon and hot >= min_pollutants,
            CellClass.POLLUTION_ONLY: hot >= min_pollutants,
            CellClass.CARBON_ONLY: carbon,
            CellClass.WATCH: carbon and hot >= 1,
        }
        out[bits] = sum(1 << klass for klass, holds in met.items() if holds)
    return out


def _check(pollutants: int, min_pollutants: int) -> None:
    if not 1 <= pollutants < _BITS:
        raise InvalidParameter(f"{pollutants} pollutants; expected 1 to {_BITS - 1} beside carbon")
    if not 1 <= min_pollutants <= pollutants:
        raise InvalidParameter(
            f"hot.min_pollutants is {min_pollutants}, and pollutants to count: {pollutants}; set it to {_range(pollutants)}, "
            "or name more of the run's species under `pollutants`"
        )


def _range(most: int) -> str:
    return "1" if most == 1 else f"1 to {most}"
