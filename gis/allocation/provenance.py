"""Provenance: who emits here, and where does this source go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.allocation.tiers import TIERS, Tier
from gis.errors import InvalidParameter, NotFound

if TYPE_CHECKING:
    from gis.allocation.allocate import Allocation
    from gis.allocation.placement import Placement

__all__ = ["cells_of", "contributors_of"]

_COLUMNS = ("part", "source_id", "name_zh", "name_en", "sector", "year", "tier", "mass_t")


def contributors_of(
    allocation: Allocation, cells: NDArray[np.int64], species: str, *, year: int | None, top: int | None
) -> pd.DataFrame:
    """Sources behind the mass of a species in some cells, largest first."""
    if species not in allocation.species:
        raise InvalidParameter(f"species {species!r} is not in this run; it has {', '.join(allocation.species)}")
    if len(cells) and (cells.min() < 0 or cells.max() >= allocation.grid.size):
        raise InvalidParameter(f"cell ids of this grid run from 0 to {allocation.grid.size - 1}")
    wanted = allocation.years[-1] if year is None else year
    y, s, _ = allocation._positions(wanted, species, allocation.sectors[0])
    frames = [_of_placement(allocation, p, cells, y, s) for p in allocation.placements]
    frames.append(_of_gridded(allocation, cells, y, s))
    some = [f for f in frames if len(f)]
    if not some:
        return pd.DataFrame(columns=[*_COLUMNS, "share"])
    table = pd.concat(some, ignore_index=True).sort_values(
        ["mass_t", "part", "source_id"], ascending=[False, True, True], kind="stable", ignore_index=True
    )
    table["share"] = table["mass_t"] / table["mass_t"].sum()
    return table if top is None else table.head(top)


def _of_placement(
    allocation: Allocation, placement: Placement, cells: NDArray[np.int64], y: int, s: int
) -> pd.DataFrame:
    _, source, share = placement.weights.by_cell.entries(cells)
    candidates, which = np.unique(source, return_inverse=True)
    inside = np.bincount(which, weights=share, minlength=len(candidates))
    owners, masses, sectors = [], [], []
    for key, span in placement.slices.items():
        if key[:2] != (y, s) or not len(candidates):
            continue
        at, mine = placement.entries_of(span, candidates)
        owners.append(mine)
        masses.append((placement.mass_t[at] - placement.taken_t[at]) * inside[mine])
        sectors.append(np.full(len(mine), key[2]))
    if not owners:
        return pd.DataFrame(columns=list(_COLUMNS))
    mass, owner, sector = np.concatenate(masses), np.concatenate(owners), np.concatenate(sectors)
    hit = candidates[owner[mass > 0]]
    part = allocation.inventory.part(placement.weights.part)
    tiers = placement.weights.tier_of(hit)
    known: dict[str, Any] = {c: part.sources[c].iloc[hit].to_numpy() for c in ("source_id", "name_zh", "name_en")}  # type: ignore[union-attr]
    return pd.DataFrame(
        {
            "part": part.name, **known, "sector": [allocation.sectors[c] for c in sector[mass > 0]],
            "year": allocation.years[y], "tier": [str(TIERS[t]) for t in tiers], "mass_t": mass[mass > 0],
        }
    )  # fmt: skip


def _of_gridded(allocation: Allocation, cells: NDArray[np.int64], y: int, s: int) -> pd.DataFrame:
    rows = []
    for part, f, values in allocation.gridded_fields((y, s)):
        mass = float(values[cells].sum())
        if mass > 0:
            rows.append(
                {
                    "part": part.name, "source_id": f.file, "name_zh": "", "name_en": "",
                    "sector": allocation.sectors[f.sector], "year": allocation.years[y],
                    "tier": str(Tier.SURROGATE), "mass_t": mass,
                }
            )  # fmt: skip
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def cells_of(allocation: Allocation, source_id: str, *, part: str | None) -> pd.DataFrame:
    """Cells of a source under each policy of its part, with shares."""
    frames = []
    found = False
    for placement in allocation.placements:
        weights = placement.weights
        if part is not None and weights.part != part:
            continue
        for i in allocation.positions(weights.part, source_id):
            found = True
            if not weights.used[i]:
                continue
            span = slice(weights.shares.indptr[i], weights.shares.indptr[i + 1])
            cell = weights.shares.indices[span].astype(np.int64)
            row, col = allocation.grid.row_col(cell)
            frames.append(
                pd.DataFrame(
                    {
                        "part": weights.part, "policy": " > ".join(weights.chain) or str(weights.kind), "cell": cell,
                        "row": row, "col": col, "share": weights.shares.data[span], "tier": str(TIERS[weights.tier[i]]),
                    }
                )
            )  # fmt: skip
    if not found:
        raise NotFound(f"no source has the id {source_id!r}{f' in part {part!r}' if part else ''}")
    return pd.concat(frames, ignore_index=True)
