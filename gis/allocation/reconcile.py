"""Reconciling: area totals less the points they already contain, never below zero, the excess reported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
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
    key = ["source", "species", "sector", "year"]
    outline = _outlines(part.geometry.to_numpy())
    amounts = pd.DataFrame({"source": outline[a.source], "species": a.species, "sector": a.sector, "year": a.year})
    amounts["total_t"] = a.mass_t
    totals = amounts.groupby(key, as_index=False)["total_t"].sum()
    keys = pd.DataFrame(totals[key])
    frames = [_points_by_area(part, inventory, name, outline, keys) for name in part.policy.subtract]
    points = pd.concat(frames).groupby(key, as_index=False)["points_t"].sum()
    both = points.merge(totals, on=key, how="left").fillna({"total_t": 0.0})
    both["excess_t"] = (both["points_t"] - both["total_t"]).clip(lower=0.0)
    share = (both["points_t"] / both["total_t"].where(both["total_t"] > 0)).clip(upper=1.0).fillna(0.0)
    taken = amounts[key].merge(both[key].assign(share=share), on=key, how="left")["share"].fillna(0.0).to_numpy()
    return Contained(a.mass_t * taken, both[both["excess_t"] > 0].reset_index(drop=True))


def _outlines(shapes: NDArray[np.object_]) -> NDArray[np.int64]:
    """For every area the first with the same outline: a county's sectors may be sources of their own."""
    _, first, which = np.unique(shapely.to_wkb(shapes).astype(object), return_index=True, return_inverse=True)
    outline: NDArray[np.int64] = first[which]
    return outline


def _points_by_area(
    part: SourcePart, inventory: Inventory, name: str, outline: NDArray[np.int64], totals: pd.DataFrame
) -> pd.DataFrame:
    """Amounts of points with the outline whose total holds them: where outlines overlap, the first that has such a total."""
    other = inventory.part(name)
    if not isinstance(other, SourcePart) or other.kind is not Kind.POINT:
        raise InvalidDescription(
            f"part {part.name!r}: subtract names {name!r}, which is {other.kind}; only points can be contained"
        )
    points = other.geometry.to_crs(part.crs).to_numpy()
    area, point = members(part.geometry.to_numpy(), points)
    inside = pd.DataFrame({"point": point, "source": outline[area]}).drop_duplicates()
    a = other.amounts
    mapped = _sector_of_total(part, inventory)[a.sector]
    amounts = pd.DataFrame(
        {
            "point": a.source,
            "species": a.species,
            "sector": mapped.astype(np.int16),
            "year": a.year,
            "points_t": a.mass_t,
        }
    )
    found = amounts[mapped >= 0].rename_axis("amount").reset_index().merge(inside, on="point")
    if found["amount"].duplicated().any():
        known = found.merge(totals.assign(known=True), on=list(totals.columns), how="left")["known"].notna()
        found = found.assign(unknown=~known.to_numpy()).sort_values(["amount", "unknown", "source"])
        found = found.drop_duplicates("amount")
    return found[[*totals.columns, "points_t"]]


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
