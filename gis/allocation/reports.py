"""What a person should know about an allocation, beside its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gis.allocation.tiers import TIERS

if TYPE_CHECKING:
    from gis.allocation.allocate import Allocation

__all__ = ["allocation_report"]


def allocation_report(allocation: Allocation) -> dict[str, Any]:
    """Which surrogate served which sources, what points exceed, what was moved, which gridded cells hold no value."""
    ledger = allocation.ledger
    return {
        "served": [row for p in allocation.placements for row in _served(allocation, p.weights)],
        "notes": [{"part": w.part, **w.notes} for w in allocation.weights if w.notes],
        "excess_t": ledger.table.loc[ledger.table["excess_t"] > 0, ["part", "year", "species", "sector", "excess_t"]].to_dict(
            "records"
        ),
        "no_value_cells": [
            {"part": part, "year": allocation.years[key[0]], "species": allocation.species[key[1]],
             "sector": allocation.sectors[key[2]], "cells": count}
            for (part, key), (_, count) in sorted(allocation._moved.items()) if count
        ],
        "area_model": _area_model(allocation),
        "distortion": allocation.grid.describe_area(),
    }  # fmt: skip


def _served(allocation: Allocation, weights: Any) -> list[dict[str, Any]]:
    """A row a surrogate of a chain, with the sources it served; the ids only where a fallback had to serve."""
    if not weights.chain:
        return []
    ids = allocation.inventory.part(weights.part).sources["source_id"].to_numpy()  # type: ignore[union-attr]
    rows = []
    for position, name in [*enumerate(weights.chain), (-1, "")]:
        mine = np.flatnonzero(weights.used & (weights.served == position))
        if len(mine):
            rows.append(
                {
                    "part": weights.part, "chain": list(weights.chain), "surrogate": name or None,
                    "tier": str(TIERS[weights.tier[mine[0]]]) if name else None, "sources": len(mine),
                    "source_ids": [str(v) for v in ids[mine][:200]] if position != 0 else [],
                }
            )  # fmt: skip
    return rows


def _area_model(allocation: Allocation) -> str:
    a_m, e2 = allocation.grid.ellipsoid
    shares = "ellipsoidal, edges straight in longitude and latitude" if allocation.grid.is_geographic else "planar"
    return f"densities on the ellipsoid a = {a_m!r} m, e2 = {e2!r}; shares of lines and polygons {shares}"
