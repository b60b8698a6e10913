"""Tables that state what was found as a whole: evidence by species, hotspots, what is listed only, totals over the draws."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.hotspots.emissions import Emissions
from gis.hotspots.evidence import Evidence
from gis.hotspots.moran import global_lee, global_moran
from gis.zoning.cells import Findings, significant
from gis.zoning.classes import CellClass
from gis.zoning.delineation import Kept, patch_sums
from gis.zoning.model import columns_of
from gis.zoning.parameters import Parameters

__all__ = ["evidence_row", "hotspot_table", "listed_table", "totals_table"]

Floats = NDArray[np.float64]
_LOW, _HIGH = 0.025, 0.975


def evidence_row(
    emissions: Emissions,
    bits: NDArray[np.uint8],
    one: Evidence,
    carbon: Evidence,
    s: int,
    parameters: Parameters,
    *,
    free: bool,
) -> dict[str, Any]:
    """A row of TABLES["evidence"]: one species, with all its mass or without what species share through one proxy."""
    stands = significant(one, parameters)
    hot = (bits >> np.uint8(s) & 1).astype(np.bool_)
    amount_t, shared_t = float(emissions.amount_t[s].sum()), float(emissions.shared_t[s].sum())
    return {
        "species": emissions.species[s], "free": free,
        "method": str(one.method), "cells": len(one.z), "least_p": one.least_p, "p_error": one.p_error,
        "significant_bh": int(one.bh.sum()), "significant_by": int(one.by.sum()), "cutoff_bh": one.cutoff_bh,
        "cutoff_by": one.cutoff_by, "clustered": int((hot & stands).sum()), "isolated": int((hot & ~stands).sum()),
        "fringe": int((stands & ~hot).sum()), "moran_i": global_moran(one.field, one.field, one.window),
        "bivariate_i": global_moran(one.field, carbon.field, carbon.window),
        "lee_l": global_lee(carbon.field, one.field, carbon.window, one.window),
        "proxy_share": 0.0 if free or not amount_t else shared_t / amount_t,
        "note": " ".join(text for _, _, text in one.notes),
    }  # fmt: skip


def hotspot_table(found: Findings, kept: Kept, polygons: NDArray[np.object_]) -> gpd.GeoDataFrame:
    """TABLES["hotspots"]: every patch, its polygon in the grid's CRS."""
    patches, species = found.delineation.patches, found.heat.species
    codes = np.array([c.code for c in CellClass], dtype=object)
    columns: dict[str, Any] = {
        "patch": patches["patch"].to_numpy(), "class": codes[patches["class"].to_numpy()], "cells": patches["cells"].to_numpy(),
        "seeds": patches["seeds"].to_numpy(), "area_km2": patches["area_km2"].to_numpy(), "kept": kept.kept, "reason": kept.reason,
    }  # fmt: skip
    amount_t = _patch_amounts(found)
    totals = found.emissions.amount_t.sum(axis=1)
    for s, code in enumerate(species):
        columns[f"{code}_t"] = amount_t[:, s]
        columns[f"{code}_share"] = amount_t[:, s] / (totals[s] or 1.0)
    frame = gpd.GeoDataFrame(columns, geometry=list(polygons), crs=found.emissions.domain.grid.crs)
    return frame[columns_of("hotspots", species)]


def _patch_amounts(found: Findings) -> Floats:
    return patch_sums(found.delineation.patch, len(found.delineation.patches), found.emissions.amount_t)


def listed_table(found: Findings, kept: Kept) -> pd.DataFrame:
    """TABLES["listed"]: hotspots too small for a unit by class, and cells that are hot for pollutants but of no class."""
    emissions, delineation = found.emissions, found.delineation
    of_cell = delineation.patch
    small = (of_cell >= 0) & ~np.append(kept.kept, True)[of_cell]
    grown = delineation.grown
    groups = [("small", klass.code, small & (grown == klass)) for klass in sorted(CellClass, reverse=True) if klass]
    of_none = (found.heat.bits > 0) & (delineation.klass == CellClass.NONE) & (of_cell < 0)
    several = of_none.copy()
    for s, code in enumerate(found.heat.species):
        alone = of_none & (found.heat.bits == 1 << s)
        groups.append((f"one pollutant: {code}", CellClass.NONE.code, alone))
        several &= ~alone
    # With a rule of three pollutants or more, or of an equivalent, two can be hot and make no class.
    groups.append(("several pollutants, no class", CellClass.NONE.code, several))
    rows = [
        {"reason": reason, "class": klass, "cells": int(mask.sum()), "area_km2": float(emissions.domain.area_km2[mask].sum())}
        | {f"{c}_t": float(emissions.amount_t[s, mask].sum()) for s, c in enumerate(found.heat.species)}
        for reason, klass, mask in groups
        if mask.any()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns_of("listed", found.heat.species))


def totals_table(found: Findings, parameters: Parameters) -> pd.DataFrame:
    """TABLES["totals"]: each species over the domain, and the range of its total over the draws."""
    rows = []
    emissions, member = found.emissions, found.membership
    draws = np.zeros((0, 1)) if member is None else member.totals_t
    if member is not None and parameters.apeq is not None:
        weights = np.array([parameters.apeq.weights.get(s, 0.0) for s in emissions.species[:-1]])
        draws = np.vstack((draws, weights @ draws))
    for s, code in enumerate(emissions.species):
        total_t = float(emissions.amount_t[s].sum())
        drawn = draws[s] if member is not None else np.full(1, np.nan)
        low, high = np.quantile(drawn, (_LOW, _HIGH))
        rows.append(
            {
                "species": code, "total_t": total_t, "shared_share": float(emissions.shared_t[s].sum()) / (total_t or 1.0),
                "low_t": float(low), "high_t": float(high), "relative_sd": float(drawn.std() / drawn.mean()) if drawn.mean() else 0.0,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
