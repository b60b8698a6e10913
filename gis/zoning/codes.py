"""Codes and names of units: drafts, told apart from official ones at a glance, the same for the same input."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gis.zoning.classes import CellClass

__all__ = ["CLASS_NAMES", "conflict_codes", "county_prefix", "cross_ids", "listed_names", "overlay_name", "unit_codes"]

Ints = NDArray[np.int64]

# A code ZH... is official and comes only from a register: what is made here begins with CZ.
_DRAFT, _NOWHERE = "CZ-", "000000"
# Division codes of statistics have 9 or 12 digits, those of a county with zeros after the first six.
_LONG = re.compile(r"(\d{6})(000|000000)")
_SHOWN = 3

CLASS_NAMES = {
    CellClass.CO_CONTROL: ("减污降碳协同热点", "co-control hotspot"),
    CellClass.POLLUTION_ONLY: ("污染物热点", "pollution-only hotspot"),
    CellClass.CARBON_ONLY: ("碳排放热点", "carbon-only hotspot"),
    CellClass.WATCH: ("关注热点", "watch hotspot"),
}


def county_prefix(code: str) -> str:
    """The six digits of a county in a unit's code; another code as it is, 000000 where there is none."""
    long = _LONG.fullmatch(code)
    return long.group(1) if long else code or _NOWHERE


def unit_codes(prefix: Sequence[str], klass: NDArray[np.uint8], first: Ints, patch: Ints) -> list[str]:
    """``CZ-`` + county + class digit + serial of each unit.

    Serials count within county and digit: the higher class first, then the unit with the first cell, then the first hotspot.
    Above 9999 they have five digits.
    """
    digit = [CellClass(k).digit for k in klass.tolist()]
    order = np.lexsort((patch, first, -klass.astype(np.int64)))
    count: dict[tuple[str, int], int] = defaultdict(int)
    out = [""] * len(prefix)
    for k in order.tolist():
        count[prefix[k], digit[k]] += 1
        out[k] = f"{_DRAFT}{prefix[k]}{digit[k]}{count[prefix[k], digit[k]]:04d}"
    return out


def cross_ids(unit: Sequence[str], patch: Ints) -> list[str]:
    """``X-`` + the least code of a hotspot's units, for those of a hotspot that has several; else empty."""
    parts: dict[int, list[str]] = defaultdict(list)
    for code, p in zip(unit, patch.tolist(), strict=True):
        parts[p].append(code)
    return [f"X-{min(parts[p]).removeprefix(_DRAFT)}" if len(parts[p]) > 1 else "" for p in patch.tolist()]


def conflict_codes(region: Sequence[str], klass: NDArray[np.uint8], patch: Ints) -> list[str]:
    """``K-`` + the region's code + a serial of each conflict, the higher class first, then the first hotspot."""
    count: dict[str, int] = defaultdict(int)
    out = [""] * len(region)
    for k in np.lexsort((np.arange(len(patch)), patch, -klass.astype(np.int64))).tolist():
        count[region[k]] += 1
        out[k] = f"K-{region[k]}-{count[region[k]]:03d}"
    return out


def listed_names(code: Sequence[str], name_zh: Sequence[str], name_en: Sequence[str]) -> tuple[str, str]:
    """Names of parks or townships in one line, their codes where they have none, in Chinese and English."""
    zh, en = ([n or c for n, c in zip(names, code, strict=True)] for names in (name_zh, name_en))
    more = len(code) - _SHOWN
    return (
        "、".join(zh[:_SHOWN]) + (f"等{len(code)}个" if more > 0 else ""),
        ", ".join(en[:_SHOWN]) + (f" and {more} more" if more > 0 else ""),
    )


def overlay_name(klass: int, unit: str, place_zh: str, place_en: str) -> tuple[str, str]:
    """Name of a unit that has a shape of its own: its jurisdiction, what it is, its serial; in Chinese and English."""
    zh, en = CLASS_NAMES[CellClass(klass)]
    serial = unit[-4:]
    return f"{place_zh}{zh}{serial}", f"{place_en + ', ' if place_en else ''}{en} {serial}"
