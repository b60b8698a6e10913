"""Lineage: which unit of a later zoning carries on which unit of an earlier one, and the stable ids that follow."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import StrEnum

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.errors import InvalidGeometry

__all__ = ["Relation", "fresh_ids", "lineage_ids", "match_units"]

# The same ground but for rounding of coordinates.
_SAME = 1.0 - 1e-6


class Relation(StrEnum):
    """What a unit is to another: ``rearranged`` is a split and a merge at once."""

    SAME = "same"
    CHANGED = "changed"
    SPLIT = "split"
    MERGE = "merge"
    REARRANGED = "rearranged"
    ENTERED = "entered"
    LEFT = "left"


def lineage_ids(units: gpd.GeoDataFrame, *, run_id: str, year: int) -> list[str]:
    """A stable id for each unit: ``L-`` and 12 digits over its code, its shape and where it came up."""
    shapes = shapely.to_wkb(shapely.normalize(units.geometry.to_numpy()), byte_order=1)
    head = f"{run_id} {year} ".encode()
    return [
        "L-" + hashlib.sha256(head + str(unit).encode() + b" " + shape).hexdigest()[:12]
        for unit, shape in zip(units["unit"], shapes, strict=True)
    ]


def fresh_ids(ids: Sequence[str], taken: Sequence[str]) -> list[str]:
    """The ids, those already taken with a number behind them: a zoning can come back after others in a chain."""
    known, out = set(taken), []
    for first in ids:
        name, number = first, 2
        while name in known:
            name, number = f"{first}-{number}", number + 1
        known.add(name)
        out.append(name)
    return out


def match_units(a: gpd.GeoDataFrame, b: gpd.GeoDataFrame, *, least: float) -> pd.DataFrame:
    """Rows i of ``a`` and j of ``b`` that share ground, and those that share none with -1 on the other side.

    A pair is linked from ``least`` of the smaller unit's area. ``heir`` marks the pairs in which j takes over the stable id of i:
    pairs with more common ground first, each unit once. Order: codes of a, then of b; what entered comes last.
    """
    i, j, common = _overlaps(a, b)
    plane_a, plane_b = _plane_area(a), _plane_area(b)
    linked = common >= least * np.minimum(plane_a[i], plane_b[j])
    i, j, common = i[linked], j[linked], common[linked]
    out = pd.DataFrame({"i": i, "j": j, "share_a": common / plane_a[i], "share_b": common / plane_b[j]})
    out["jaccard"] = common / (plane_a[i] + plane_b[j] - common)
    km2 = a["area_km2"].to_numpy(np.float64)[i] + b["area_km2"].to_numpy(np.float64)[j]
    out["overlap_km2"] = common * km2 / (plane_a[i] + plane_b[j])
    out["relation"] = _relations(a, b, out)
    out["heir"] = _heirs(a, b, out)
    return _ordered(a, b, pd.concat([out, _alone(len(a), len(b), i, j)], ignore_index=True))


def _plane_area(units: gpd.GeoDataFrame) -> NDArray[np.float64]:
    area: NDArray[np.float64] = shapely.area(units.geometry.to_numpy())
    if not (area > 0).all():
        unit = units["unit"].iloc[int(np.flatnonzero(~(area > 0))[0])]
        raise InvalidGeometry(f"unit {unit} has no area; every unit needs a polygon to be compared")
    return area


def _overlaps(
    a: gpd.GeoDataFrame, b: gpd.GeoDataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Pairs of units that touch and the area they share, in the plane of the grid."""
    of_a, of_b = a.geometry.to_numpy(), b.geometry.to_numpy()
    if not len(of_a) or not len(of_b):
        none = np.zeros(0, np.int64)
        return none, none, np.zeros(0)
    i, j = shapely.STRtree(of_b).query(of_a, predicate="intersects")
    # Most units are unchanged from one version to the next: these need no overlay.
    same = shapely.equals_exact(of_a[i], of_b[j], 0.0, normalize=True)
    common = shapely.area(of_a[i])
    common[~same] = shapely.area(shapely.intersection(of_a[i[~same]], of_b[j[~same]]))
    some = common > 0
    return i[some].astype(np.int64), j[some].astype(np.int64), common[some]


def _relations(a: gpd.GeoDataFrame, b: gpd.GeoDataFrame, pairs: pd.DataFrame) -> list[str]:
    of_a, of_b = pairs["i"].map(pairs["i"].value_counts()), pairs["j"].map(pairs["j"].value_counts())
    class_a, class_b = a["class"].to_numpy(), b["class"].to_numpy()
    out = []
    for i, j, m, n, jaccard in zip(pairs["i"], pairs["j"], of_a, of_b, pairs["jaccard"], strict=True):
        if m > 1 or n > 1:
            out.append(Relation.REARRANGED if m > 1 and n > 1 else Relation.SPLIT if m > 1 else Relation.MERGE)
        else:
            out.append(Relation.SAME if class_a[i] == class_b[j] and jaccard >= _SAME else Relation.CHANGED)
    return [str(relation) for relation in out]


def _heirs(a: gpd.GeoDataFrame, b: gpd.GeoDataFrame, pairs: pd.DataFrame) -> NDArray[np.bool_]:
    """Pairs by common ground, greatest first, each unit in one of them; equal ones by their codes."""
    codes_a, codes_b = a["unit"].to_numpy(), b["unit"].to_numpy()
    # Rounded to a square metre, so that the last bit of an overlay decides nothing.
    metres = np.round(pairs["overlap_km2"].to_numpy() * 1e6)
    order = sorted(range(len(pairs)), key=lambda k: (-metres[k], codes_a[pairs["i"][k]], codes_b[pairs["j"][k]]))
    out = np.zeros(len(pairs), np.bool_)
    taken_a: set[int] = set()
    taken_b: set[int] = set()
    for k in order:
        i, j = int(pairs["i"][k]), int(pairs["j"][k])
        if i not in taken_a and j not in taken_b:
            out[k] = True
            taken_a.add(i)
            taken_b.add(j)
    return out


def _alone(count_a: int, count_b: int, i: NDArray[np.int64], j: NDArray[np.int64]) -> pd.DataFrame:
    left, entered = np.setdiff1d(np.arange(count_a), i), np.setdiff1d(np.arange(count_b), j)
    out = pd.DataFrame(
        {
            "i": np.r_[left, np.full(len(entered), -1)].astype(np.int64),
            "j": np.r_[np.full(len(left), -1), entered].astype(np.int64),
        }
    )
    out["relation"] = [str(Relation.LEFT)] * len(left) + [str(Relation.ENTERED)] * len(entered)
    return out.assign(share_a=0.0, share_b=0.0, jaccard=0.0, overlap_km2=0.0, heir=False)


def _ordered(a: gpd.GeoDataFrame, b: gpd.GeoDataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    code_a = ["~" if i < 0 else str(a["unit"].iloc[i]) for i in pairs["i"]]
    code_b = ["~" if j < 0 else str(b["unit"].iloc[j]) for j in pairs["j"]]
    order = sorted(range(len(pairs)), key=lambda k: (code_a[k], code_b[k]))
    return pairs.iloc[order].reset_index(drop=True)
