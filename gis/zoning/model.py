"""Zoning: everything that follows from a run, a year, parameters and regions, as tables with fixed columns.

Columns with ``{s}`` in their names stand once for every species of the zoning, carbon first. Amounts are t/yr.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.zoning.classes import CellClass
from gis.zoning.parameters import Parameters

__all__ = ["TABLES", "Zoning", "columns_of"]

# Every table of a zoning, its columns in their order. The same names stand in GeoPackage layers, in CSV headings and in docs/guide.md.
TABLES: Mapping[str, tuple[str, ...]] = {
    # Cells that are hot for some species or part of a hotspot. `class` is that at q; `tier` is clustered_core, isolated_core or
    # empty; `robustness` is core, uncertain, weak or empty; `membership` is the share of draws in which the
    # cell meets the rule of its class; `years_hot` counts the run's years in which it meets it; `proxy_share` is that of the mass of
    # all species, each weighted alike, `{s}_point` to `{s}_uniform` are shares by tier; `patch` is -1 outside hotspots; `unit` is that
    # which has most of the cell, or empty.
    "cells": (
        "cell", "row", "col", "area_km2", "class", "bits", "tier", "robustness", "membership", "years_hot", "proxy_share",
        "patch", "seed", "filled", "unit",
        "{s}_t", "{s}_t_km2", "{s}_hot", "{s}_z", "{s}_p", "{s}_significant", "{s}_by", "{s}_membership", "{s}_proxy",
        "{s}_point", "{s}_line", "{s}_surrogate", "{s}_uniform", "{s}_pattern",
    ),
    # Hotspots: connected cells of one class, before snapping, in the grid's CRS. `kept` says whether the size rule made it a unit.
    "hotspots": (
        "patch", "class", "cells", "seeds", "area_km2", "kept", "reason", "{s}_t", "{s}_share", "geometry",
    ),
    # Units: after snapping and splitting, in the grid's CRS. `fit` is park, township or overlay; `review` says why a person has to
    # look, or is empty; `cross_id` is shared by the parts of one hotspot in several jurisdictions, else empty.
    "units": (
        "unit", "patch", "cross_id", "class", "digit", "jurisdiction", "jurisdiction_zh", "jurisdiction_en", "name_zh", "name_en",
        "fit", "fit_codes", "retained", "inflated", "review", "cells", "area_km2", "hot_share", "tier", "robustness", "membership",
        "proxy_share", "proxy_led", "years_hot", "supply_security", "conflicts", "score", "rank", "rank_low", "rank_high",
        "{s}_t", "{s}_t_km2", "{s}_share", "geometry",
    ),
    # What units emit, by sector; location quotient (E_sz/E_z)/(E_s/E); `focus` marks the sectors a unit is about.
    "sectors": ("unit", "species", "sector", "mass_t", "share", "quotient", "focus"),
    # How the mass of each unit was placed; the whole domain stands with an empty unit. Tiers without mass are left out.
    "tiers": ("unit", "species", "tier", "mass_t", "share"),
    # The largest sources of each unit, species by species.
    "contributors": (
        "unit", "species", "position", "part", "source_id", "name_zh", "name_en", "industry", "sector", "tier", "supply_security", "mass_t",
        "share",
    ),
    # The draft of the access list: `part` is spatial, emission, risk or resource (the four parts of an official list).
    "access": ("unit", "part", "rule", "industry", "condition", "advice_zh", "advice_en", "legal_basis", "blocked"),
    # Hotspots inside red lines and priority protection, never a unit: `kind` is red_line or priority.
    "conflicts": (
        "conflict", "kind", "region_code", "region_zh", "region_en", "patch", "class", "unit", "area_km2", "sources", "{s}_t", "geometry",
    ),
    # Cells of one hot pollutant alone and hotspots too small for a unit: listed, not lost.
    "listed": ("reason", "class", "cells", "area_km2", "{s}_t"),
    # Concentration, every ranking species by every measured one, at the swept shares and 0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5.
    "concentration": ("rank_by", "measured", "order", "x", "share", "gini"),
    # Hot sets: what was cut, where, and what is to be known about it.
    "hot_sets": (
        "species", "mode", "q", "rank", "cells", "area_km2", "share_area", "share_count", "share_mass", "threshold", "note",
    ),
    # Two hot sets at a time; `jaccard_null` etc. are means of the null, `_low` and `_high` its 2.5 and 97.5 % points;
    # `free_` without shared mass.
    "overlap": (
        "a", "b", "jaccard", "jaccard_null", "jaccard_low", "jaccard_high", "jaccard_p", "lift", "lift_null", "lift_high", "capture",
        "capture_null", "capture_high", "shifts", "free_jaccard", "free_lift", "free_capture",
    ),
    # Evidence by species: global statistics and counts of cells, with all mass and (free = true) without shared mass.
    "evidence": (
        "species", "free", "method", "cells", "least_p", "p_error", "significant_bh", "significant_by", "cutoff_bh", "cutoff_by",
        "clustered", "isolated", "fringe", "moran_i", "bivariate_i", "lee_l", "proxy_share", "note",
    ),
    # Totals over the draws: what the uncertainty of the inventory means for each species as a whole.
    "totals": ("species", "total_t", "shared_share", "low_t", "high_t", "relative_sd"),
    # Sensitivity: one row a variant; jaccard against the base variant.
    "sensitivity": (
        "variant", "mode", "q", "min_pollutants", "emitting_only", "class", "cells", "area_km2", "patches", "jaccard",
        "is_base",
    ),
    # Cells by how many variants agree on their class.
    "stability": ("class", "always", "sometimes", "area_always_km2", "area_sometimes_km2"),
    # units + conflicts + listed + remainder + outside = input, species by species.
    "ledger": ("species", "input_t", "units_t", "conflicts_t", "remainder_t", "around_t", "closure"),
    # Plain statements for the report: too few years, fewer emitting cells than q asks for, missing species, proxy-led units, …
    "notes": ("topic", "severity", "text_zh", "text_en"),
}  # fmt: skip


def columns_of(table: str, species: tuple[str, ...]) -> list[str]:
    """Columns of a table for these species: each block of columns with ``{s}`` comes species by species."""
    wanted = TABLES[table]
    block = [c for c in wanted if "{s}" in c]
    named = [c.replace("{s}", s) for s in species for c in block]
    first = next((i for i, c in enumerate(wanted) if "{s}" in c), len(wanted))
    return [*(c for c in wanted[:first]), *named, *(c for c in wanted[first:] if "{s}" not in c)]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Zoning:
    """A finished zoning. ``tables`` has every table of TABLES; ``about`` is what a manifest says beyond the parameters."""

    run_id: str
    run_name: str
    year: int
    grid: Grid
    parameters: Parameters
    rules: str  # text of the rule file that drafted the access list
    species: tuple[str, ...]
    sectors: tuple[str, ...]
    tables: Mapping[str, pd.DataFrame]
    about: Mapping[str, Any]
    # Of the grid's shape: "tier" holds 0 none, 1 clustered core, 2 isolated core, 3 fringe (significant cells, too many for a table).
    rasters: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        missing = sorted(set(TABLES) - set(self.tables))
        if missing:
            raise InvalidParameter(f"a zoning needs the tables {', '.join(missing)}")
        for name, table in self.tables.items():
            expected = columns_of(name, self.species)
            if list(table.columns) != expected:
                odd = sorted(set(table.columns) ^ set(expected)) or "their order"
                raise InvalidParameter(f"table {name} of a zoning does not have its columns: {odd}")

    @property
    def units(self) -> gpd.GeoDataFrame:
        """The units."""
        return gpd.GeoDataFrame(self.tables["units"])

    @property
    def cells(self) -> pd.DataFrame:
        """The cells."""
        return self.tables["cells"]

    def class_layer(self) -> NDArray[np.uint8]:
        """Class of every cell of the grid, 0 for none."""
        out = np.zeros(self.grid.size, np.uint8)
        codes = {c.code: int(c) for c in CellClass}
        out[self.cells["cell"].to_numpy()] = self.cells["class"].map(codes).to_numpy(np.uint8)
        return out.reshape(self.grid.shape)
