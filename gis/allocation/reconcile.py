"""Reconciling: area totals less the points they already contain, never below zero, the excess reported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.allocation.surrogates import members
from gis.errors import InvalidDescription
from gis.inventory.description import Kind
from gis.inventory.model import Inventory, SourcePart

__all__ = ["Contained", "contained_points"]


@dataclass(frozen=True, slots=True, eq=False)
class Contained:
    """Mass of points inside area totals: to take off every amount of the part, and what exceeds the totals."""

    superseded_t: NDArray[np.float64]  # one entry an amount of the area part
    excess: pd.DataFrame  # source, species, sector, year (positions), points_t, total_t, excess_t


def contained_points(part: SourcePart, inventory: Inventory) -> Contained:
    """What the points named by the part's ``subtract`` already account for."""
    a = part.amounts
    nothing = pd.DataFrame(columns=["source", "species", "sector", "year", "points_t", "total_t", "excess_t"])
    if not part.policy.subtract:
        return Contained(np.zeros(len(a)), nothing)
    frames = [_points_by_area(part, inventory, name) for name in part.policy.subtract]
    key = ["source", "species", "sector", "year"]
    points = pd.concat(frames).groupby(key, as_index=False)["points_t"].sum()
    amounts = pd.DataFrame({"source": a.source, "species": a.species, "sector": a.sector, "year": a.year})
    amounts["total_t"] = a.mass_t
    totals = amounts.groupby(key, as_index=False)["total_t"].sum()
    both = points.merge(totals, on=key, how="left").fillna({"total_t": 0.0})
    both["excess_t"] = (both["points_t"] - both["total_t"]).clip(lower=0.0)
    share = (both["points_t"] / both["total_t"].where(both["total_t"] > 0)).clip(upper=1.0).fillna(0.0)
    taken = amounts[key].merge(both[key].assign(share=share), on=key, how="left")["share"].fillna(0.0).to_numpy()
    return Contained(a.mass_t * taken, both[both["excess_t"] > 0].reset_index(drop=True))


def _points_by_area(part: SourcePart, inventory: Inventory, name: str) -> pd.DataFrame:
    other = inventory.part(name)
    if not isinstance(other, SourcePart) or other.kind is not Kind.POINT:
        raise InvalidDescription(
            f"part {part.name!r}: subtract names {name!r}, which is {other.kind}; only points can be contained"
        )
    points = other.geometry.to_crs(part.crs).to_numpy()
    area, point = members(part.geometry.to_numpy(), points)
    area_of = np.full(len(other), -1, np.int64)
    area_of[point] = area
    a = other.amounts
    mapped = _sector_of_total(part, inventory)[a.sector]
    use = (area_of[a.source] >= 0) & (mapped >= 0)
    return pd.DataFrame(
        {
            "source": area_of[a.source][use],
            "species": a.species[use],
            "sector": mapped[use].astype(np.int16),
            "year": a.year[use],
            "points_t": a.mass_t[use],
        }
    )


def _sector_of_total(part: SourcePart, inventory: Inventory) -> NDArray[np.int64]:
    """For every sector of points, the sector of the totals that contain them, or -1."""
    codes = [s.code for s in inventory.sectors]
    out = np.arange(len(codes), dtype=np.int64)
    for total, contained in part.policy.subtract_sectors.items():
        for code in (total, *contained):
            if code not in codes:
                raise InvalidDescription(
                    f"part {part.name!r}: subtract_sectors names {code!r}; sectors of this inventory: {', '.join(codes)}"
                )
        out[[codes.index(c) for c in contained]] = codes.index(total)
        if total not in contained:
            out[codes.index(total)] = codes.index(total)
    present = np.unique(part.amounts.sector)
    return np.where(np.isin(out, present), out, -1)
