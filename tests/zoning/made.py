"""A small zoning whose every table is filled and agrees with the others: what it says can be checked by hand.

20 × 16 cells of a square kilometre, two counties that meet at the edge of column 10. Five hotspots:

patch 0  co-control, 12 cells across the county border: two units that share a cross-jurisdiction id
patch 1  pollution-only, 6 cells, one of them inside a red line: a unit of 5 cells and a conflict
patch 2  carbon-only, one giant plant that secures supply: a unit by its share
patch 3  watch, 4 cells: a unit fitted to a park of 6, whose other two cells are not hot
patch 4  watch, one cell without weight: listed, no unit
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.grid import Grid
from gis.zoning.classes import CellClass
from gis.zoning.model import TABLES, Zoning, columns_of
from gis.zoning.parameters import Parameters

CRS_M = "EPSG:4547"  # CGCS2000 / 3-degree Gauss-Kruger, central meridian 114 E
GRID = Grid.covering((500_000, 4_000_000, 520_000, 4_016_000), crs=CRS_M, cell=1000)
SPECIES = ("co2", "nox", "pm25", "vocs")
SECTORS = ("power", "steel", "road", "residential")
BASE_T = {"co2": 1_000.0, "nox": 2.0, "pm25": 0.5, "vocs": 1.0}
# Rows, columns and hot species of each hotspot; every hot cell emits HOT times the base, the plant a thousand times.
PATCHES: tuple[tuple[CellClass, tuple[int, int], tuple[int, int], tuple[str, ...], float], ...] = (
    (CellClass.CO_CONTROL, (4, 7), (8, 12), ("co2", "nox", "pm25"), 50.0),
    (CellClass.POLLUTION_ONLY, (10, 12), (2, 5), ("nox", "vocs"), 40.0),
    (CellClass.CARBON_ONLY, (13, 14), (15, 16), ("co2",), 1000.0),
    (CellClass.WATCH, (1, 3), (16, 18), ("co2", "nox"), 30.0),
    (CellClass.WATCH, (8, 9), (18, 19), ("co2", "nox"), 29.0),
)
RED_LINE = (11, 4)  # a cell of patch 1
PARK = ((1, 3), (15, 18))
ONE_POLLUTANT = (0, 0)  # hot for VOCs alone: of no class
FRINGE = (7, 8)  # significant, not hot
# Shares of the sectors by class; power first. The rest of the domain emits like "none".
MIX = {
    CellClass.CO_CONTROL: (0.2, 0.7, 0.05, 0.05),
    CellClass.POLLUTION_ONLY: (0.0, 0.1, 0.3, 0.6),
    CellClass.CARBON_ONLY: (1.0, 0.0, 0.0, 0.0),
    CellClass.WATCH: (0.1, 0.1, 0.5, 0.3),
    CellClass.NONE: (0.1, 0.1, 0.4, 0.4),
}
TIERS = {"": 0, "clustered_core": 1, "isolated_core": 2, "fringe": 3}
JURISDICTIONS = (("330001", "甲县", "Jia"), ("330002", "乙县", "Yi"))
# unit, patch, jurisdiction, serial; the two halves of patch 0 first.
_UNITS = ((0, 0, 1), (0, 1, 1), (1, 0, 2), (2, 1, 2), (3, 1, 3))


def made_zoning(
    *, scale: float = 1.0, moved: int = 0, tables: Mapping[str, pd.DataFrame] | None = None, **changes: Any
) -> Zoning:
    """The sample; ``scale`` multiplies amounts, ``moved`` shifts patch 0 east by columns, ``tables`` replaces whole tables."""
    cells = _cells(scale, moved)
    inside = cells["patch"] >= 0
    hotspots = _hotspots(cells[inside], cells)
    units = _units(cells, hotspots)
    total = {s: _total_t(cells, s, scale) for s in SPECIES}
    for s in SPECIES:
        for table in (hotspots, units):
            table[f"{s}_share"] = table[f"{s}_t"] / total[s]
    conflicts = _conflicts(cells, units)
    made: dict[str, pd.DataFrame] = {
        "cells": cells, "hotspots": hotspots, "units": units, "sectors": _sectors(units, total),
        "tiers": _tiers(units, total), "contributors": _contributors(units), "access": _access(units),
        "conflicts": conflicts, "listed": _listed(cells),
        "ledger": _ledger(total, units, conflicts), **_statistics(cells, total),
    }  # fmt: skip
    # A table of cells lists those that are hot or in a hotspot; the others were here for the sums.
    listed = cells[(cells["bits"] > 0) | (cells["patch"] >= 0)].reset_index(drop=True)
    tier = np.zeros(GRID.size, np.uint8)
    tier[cells["cell"]] = cells["tier"].map(TIERS)
    made["cells"] = listed
    ordered = {name: made[name][columns_of(name, SPECIES)] for name in TABLES}
    for name in ("hotspots", "units", "conflicts"):
        ordered[name] = gpd.GeoDataFrame(ordered[name], geometry="geometry", crs=CRS_M)
    found = Zoning(
        run_id="r-0123456789ab", run_name="two-counties", year=2020, grid=GRID,
        parameters=Parameters(title_zh="两县减污降碳协同管控分区", title_en="Two counties", pollutants=SPECIES[1:]),
        rules='# rules of the sample\n[[rules]]\nid = "steel-1"\n', species=SPECIES, sectors=SECTORS,
        tables={**ordered, **(tables or {})}, about={"regions": {"county": "2020", "red_line": "2021"}},
        rasters={"tier": tier.reshape(GRID.shape)},
    )  # fmt: skip
    return replace(found, **changes)


def counties() -> gpd.GeoDataFrame:
    """The two counties, with codes and names."""
    left, right = (
        shapely.box(500_000, 4_000_000, 510_000, 4_016_000),
        shapely.box(510_000, 4_000_000, 520_000, 4_016_000),
    )
    code, zh, en = zip(*JURISDICTIONS, strict=True)
    return gpd.GeoDataFrame({"code": code, "name_zh": zh, "name_en": en}, geometry=[left, right], crs=CRS_M)


def box(rows: tuple[int, int], cols: tuple[int, int]) -> shapely.Polygon:
    """The rectangle of half-open ranges of rows and columns."""
    x, y = GRID.x_edges, GRID.y_edges
    return shapely.box(x[cols[0]], y[rows[1]], x[cols[1]], y[rows[0]])


# -- cells and hotspots -----------------------------------------------------------------------------------------------


def _cells(scale: float, moved: int) -> pd.DataFrame:
    rows = []
    for patch, (klass, (r0, r1), (c0, c1), hot, factor) in enumerate(PATCHES):
        shift = moved if patch == 0 else 0
        rows += [
            _cell(r, c + shift, klass, hot, factor * scale, scale, patch)
            for r, c in itertools.product(range(r0, r1), range(c0, c1))
        ]
    rows.append(_cell(*ONE_POLLUTANT, CellClass.NONE, ("vocs",), 35.0 * scale, scale, -1))
    rows.append(_cell(*FRINGE, CellClass.NONE, (), 1.0, scale, -1, tier="fringe"))
    rows += [_cell(r, 15, CellClass.NONE, (), 1.0, scale, -1, tier="") for r in range(*PARK[0])]
    return pd.DataFrame(rows).sort_values("cell", ignore_index=True)


def _cell(
    row: int,
    col: int,
    klass: CellClass,
    hot: Sequence[str],
    hot_t: float,
    scale: float,
    patch: int,
    *,
    tier: str | None = None,
) -> dict[str, Any]:
    lone, fringe = len(hot) == 1, tier == "fringe"
    out: dict[str, Any] = {
        "cell": row * GRID.cols + col, "row": row, "col": col, "area_km2": float(GRID.cell_area_m2[row, col]) / 1e6,
        "class": klass.code, "bits": sum(1 << SPECIES.index(s) for s in hot),
        "tier": tier if tier is not None else "isolated_core" if lone else "clustered_core",
        "robustness": "" if tier is not None else "core" if klass in (CellClass.CO_CONTROL, CellClass.CARBON_ONLY) else "uncertain",
        "membership": 0.0 if klass is CellClass.NONE else 0.95 if klass is CellClass.CO_CONTROL else 0.7,
        "years_hot": 0 if tier is not None else 2, "proxy_share": 0.6 if klass is CellClass.POLLUTION_ONLY else 0.1, "patch": patch,
        "seed": patch >= 0, "filled": False, "unit": "",
    }  # fmt: skip
    for s in SPECIES:
        is_hot = s in hot
        amount_t = BASE_T[s] * (hot_t if is_hot else scale)
        significant = (is_hot and not lone) or (fringe and s == "co2")
        out |= {
            f"{s}_t": amount_t, f"{s}_t_km2": amount_t / out["area_km2"], f"{s}_hot": is_hot,
            f"{s}_z": 6.0 if significant else 0.5, f"{s}_p": 1e-6 if significant else 0.4,
            f"{s}_significant": significant, f"{s}_by": significant and not fringe,
            f"{s}_membership": 0.95 if is_hot else 0.01, f"{s}_proxy": out["proxy_share"],
            f"{s}_point": 1.0 - out["proxy_share"], f"{s}_line": 0.0, f"{s}_surrogate": out["proxy_share"], f"{s}_uniform": 0.0,
            f"{s}_pattern": "persistent" if is_hot else "none",
        }  # fmt: skip
    return out


def _total_t(cells: pd.DataFrame, species: str, scale: float) -> float:
    """The domain's mass: the listed cells, and the base in every other."""
    return float(cells[f"{species}_t"].sum()) + BASE_T[species] * scale * (GRID.size - len(cells))


def _hotspots(inside: pd.DataFrame, cells: pd.DataFrame) -> gpd.GeoDataFrame:
    rows = []
    for patch, own in inside.groupby("patch"):
        shapes = [box((r, r + 1), (c, c + 1)) for r, c in zip(own["row"], own["col"], strict=True)]
        kept = patch != 4
        rows.append(
            {
                "patch": patch, "class": own["class"].iloc[0], "cells": len(own), "seeds": int(own["seed"].sum()),
                "area_km2": own["area_km2"].sum(), "kept": kept,
                "reason": "share" if patch == 2 else "cells" if kept else "small",
                **{f"{s}_t": own[f"{s}_t"].sum() for s in SPECIES}, "geometry": shapely.union_all(shapes),
            }
        )  # fmt: skip
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS_M)


# -- units ------------------------------------------------------------------------------------------------------------


def _units(cells: pd.DataFrame, hotspots: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Units, and, in passing, the column ``unit`` of the cells."""
    rows = []
    for patch, county, serial in _UNITS:
        klass = PATCHES[patch][0]
        code, zh, en = JURISDICTIONS[county]
        unit = f"CZ-{code}{klass.digit}{serial:04d}"
        side = (cells["col"] >= 10) == bool(county)
        red = (cells["row"] == RED_LINE[0]) & (cells["col"] == RED_LINE[1])
        park = cells["row"].between(PARK[0][0], PARK[0][1] - 1) & cells["col"].between(PARK[1][0], PARK[1][1] - 1)
        mine = (((cells["patch"] == patch) & ~red) | (park & (patch == 3))) & side
        if not mine.any():
            continue
        cells.loc[mine, "unit"] = unit
        rows.append(_unit(unit, patch, klass, (code, zh, en), cells[mine], bool(red[cells["patch"] == patch].any())))
    units = gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS_M)
    both = units["patch"].duplicated(keep=False)
    units["cross_id"] = np.where(both, "X-" + units["patch"].astype(str).str.zfill(4), "")
    units["rank"] = units["score"].rank(ascending=False).astype("int64")
    units["rank_low"], units["rank_high"] = np.maximum(units["rank"] - 1, 1), np.minimum(units["rank"] + 1, len(units))
    return units


def _unit(
    unit: str, patch: int, klass: CellClass, county: tuple[str, str, str], own: pd.DataFrame, conflict: bool
) -> dict[str, Any]:
    fitted = patch == 3
    shapes = [box((r, r + 1), (c, c + 1)) for r, c in zip(own["row"], own["col"], strict=True)]
    shape = box(*PARK) if fitted else shapely.union_all(shapes)
    area_km2 = float(own["area_km2"].sum())
    own_hot = own[own["patch"] == patch]
    return {
        "unit": unit, "patch": patch, "class": klass.code, "digit": klass.digit, "jurisdiction": county[0],
        "jurisdiction_zh": county[1], "jurisdiction_en": county[2],
        "name_zh": "东园区" if fitted else f"{county[1]}{patch}号单元", "name_en": "East park" if fitted else f"{county[2]} {patch}",
        "fit": "park" if fitted else "overlay", "fit_codes": "P01" if fitted else "", "retained": 1.0,
        "inflated": 1.5 if fitted else 1.0, "review": "township 330001001: area would be 2.4 times the unit's" if patch == 1 else "",
        "cells": len(own), "area_km2": area_km2, "hot_share": len(own_hot) / len(own),
        "tier": own_hot["tier"].iloc[0], "robustness": own_hot["robustness"].iloc[0], "membership": own_hot["membership"].mean(),
        "proxy_share": own["proxy_share"].mean(), "proxy_led": klass is CellClass.POLLUTION_ONLY,
        "years_hot": int(own["years_hot"].max()), "supply_security": patch == 2, "conflicts": int(conflict),
        "score": {0: 80.0, 1: 35.0, 2: 60.0, 3: 40.0}[patch] + len(own) / 100,
        **{f"{s}_t": float(own[f"{s}_t"].sum()) for s in SPECIES},
        **{f"{s}_t_km2": float(own[f"{s}_t"].sum()) / area_km2 for s in SPECIES}, "geometry": shape,
    }  # fmt: skip


def _sectors(units: pd.DataFrame, total: Mapping[str, float]) -> pd.DataFrame:
    region = MIX[CellClass.NONE]
    rows = [
        {
            "unit": u["unit"], "species": s, "sector": sector, "mass_t": u[f"{s}_t"] * share, "share": share,
            "quotient": share / region[i], "focus": share >= 0.3,
        }
        for _, u in units.iterrows()
        for s in SPECIES
        for i, (sector, share) in enumerate(zip(SECTORS, MIX[CellClass[u["class"].upper()]], strict=True))
        if share
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _tiers(units: pd.DataFrame, total: dict[str, float]) -> pd.DataFrame:
    """All of a unit's mass is by points; the domain's is half by a surrogate."""
    rows = [
        {"unit": "", "species": s, "tier": t, "mass_t": total[s] / 2, "share": 0.5}
        for s in SPECIES
        for t in ("point", "surrogate")
    ]
    rows += [
        {"unit": u["unit"], "species": s, "tier": "point", "mass_t": u[f"{s}_t"], "share": 1.0}
        for _, u in units.iterrows() for s in SPECIES
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _contributors(units: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for _, u in units.iterrows():
        point = u["class"] in ("co_control", "carbon_only")
        for s in SPECIES:
            rows.append(
                {
                    "unit": u["unit"], "species": s, "position": 1, "part": "plants" if point else "counties",
                    "source_id": f"S{u['patch']}" if point else u["jurisdiction"],
                    "name_zh": f"第{u['patch']}厂" if point else u["jurisdiction_zh"],
                    "name_en": f"Works {u['patch']}" if point else u["jurisdiction_en"],
                    "industry": "3120" if point else "", "sector": "steel" if u["patch"] == 0 else "power" if point else "residential",
                    "tier": "point" if point else "surrogate", "supply_security": u["supply_security"],
                    "mass_t": u[f"{s}_t"] * 0.6, "share": 0.6,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _access(units: pd.DataFrame) -> pd.DataFrame:
    advice = {
        "spatial": ("严格控制新增产能", "No new capacity"), "emission": ("执行超低排放", "Ultra-low emission limits"),
        "risk": ("编制应急预案", "Keep an emergency plan"), "resource": ("提高能效", "Raise energy efficiency"),
    }  # fmt: skip
    rows = [
        {
            "unit": u["unit"], "part": part, "rule": f"{part}-1", "industry": "steel" if u["patch"] == 0 else "",
            "condition": f"class = {u['class']}", "advice_zh": zh, "advice_en": en,
            "legal_basis": "中华人民共和国大气污染防治法(2018修正)", "blocked": bool(u["supply_security"]) and part == "spatial",
        }
        for _, u in units.iterrows()
        for part, (zh, en) in advice.items()
        if not (part == "spatial" and u["class"] == "carbon_only")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _conflicts(cells: pd.DataFrame, units: pd.DataFrame) -> gpd.GeoDataFrame:
    own = cells[(cells["row"] == RED_LINE[0]) & (cells["col"] == RED_LINE[1])].iloc[0]
    row = {
        "conflict": "K-0001", "kind": "red_line", "region_code": "R01", "region_zh": "甲水源涵养红线", "region_en": "Jia red line",
        "patch": int(own["patch"]), "class": own["class"], "unit": units.loc[units["patch"] == own["patch"], "unit"].iloc[0],
        "area_km2": own["area_km2"], "sources": 0, **{f"{s}_t": own[f"{s}_t"] for s in SPECIES},
        "geometry": box((own["row"], own["row"] + 1), (own["col"], own["col"] + 1)),
    }  # fmt: skip
    return gpd.GeoDataFrame([row], geometry="geometry", crs=CRS_M)


def _listed(cells: pd.DataFrame) -> pd.DataFrame:
    chosen = (
        ("too small for a unit", cells[cells["patch"] == 4]),
        ("one pollutant", cells[cells["vocs_hot"] & (cells["patch"] < 0)]),
    )
    return pd.DataFrame(
        {
            "reason": reason, "class": own["class"].iloc[0], "cells": len(own), "area_km2": own["area_km2"].sum(),
            **{f"{s}_t": own[f"{s}_t"].sum() for s in SPECIES},
        }
        for reason, own in chosen
    )  # fmt: skip


def _ledger(total: Mapping[str, float], units: pd.DataFrame, conflicts: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for s in SPECIES:
        units_t, conflicts_t = float(units[f"{s}_t"].sum()), float(conflicts[f"{s}_t"].sum())
        rest_t = total[s] - units_t - conflicts_t
        rows.append(
            {
                "species": s, "input_t": total[s] + 10.0, "units_t": units_t, "conflicts_t": conflicts_t,
                "remainder_t": rest_t, "around_t": 10.0, "closure": 0.0,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


# -- statistics -------------------------------------------------------------------------------------------------------


def _statistics(cells: pd.DataFrame, total: Mapping[str, float]) -> dict[str, pd.DataFrame]:
    pairs = list(itertools.combinations(SPECIES, 2))
    shares = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
    swept = list(itertools.product(("area", "count", "mass"), (0.01, 0.05, 0.1), (1, 2)))
    codes = [c.code for c in CellClass if c]
    return {
        "concentration": pd.DataFrame(
            {
                "rank_by": a, "measured": b, "order": "density", "x": x, "share": x ** (0.2 if a == b else 0.4),
                "gini": 0.7 if a == b else 0.5,
            }
            for a, b, x in itertools.product(SPECIES, SPECIES, shares)
        ),
        "hot_sets": pd.DataFrame(
            {
                "species": s, "mode": "area", "q": q, "rank": 2, "cells": int(cells[f"{s}_hot"].sum()),
                "area_km2": cells.loc[cells[f"{s}_hot"], "area_km2"].sum(), "share_area": q, "share_count": q,
                "share_mass": cells.loc[cells[f"{s}_hot"], f"{s}_t"].sum() / total[s], "threshold": 29 * BASE_T[s],
                "note": "tie: in" if s == "co2" else "",
            }
            for s in SPECIES
            for q in (0.05, 0.1)
        ),
        "overlap": pd.DataFrame(
            {
                "a": a, "b": b, "jaccard": 0.5, "jaccard_null": 0.026, "jaccard_low": 0.0, "jaccard_high": 0.08, "jaccard_p": 0.001,
                "lift": 12.0, "lift_null": 1.0, "lift_high": 2.5, "capture": 0.8, "capture_null": 0.06, "capture_high": 0.2,
                "shifts": 999, "free_jaccard": 0.3, "free_lift": 8.0, "free_capture": 0.6,
            }
            for a, b in pairs
        ),
        "evidence": pd.DataFrame(
            {
                "species": s, "free": free, "method": "shared null", "cells": GRID.size, "least_p": 1e-6, "p_error": 0.002,
                "significant_bh": 20, "significant_by": 15, "cutoff_bh": 0.003, "cutoff_by": 0.0005, "clustered": 16,
                "isolated": 1, "fringe": 1, "moran_i": 0.4, "bivariate_i": np.nan if s == "co2" else 0.3,
                "lee_l": np.nan if s == "co2" else 0.35, "proxy_share": 0.0 if free else 0.3, "note": "",
            }
            for s in SPECIES
            for free in (False, True)
        ),
        "totals": pd.DataFrame(
            {
                "species": s, "total_t": total[s], "shared_share": 0.3, "low_t": 0.8 * total[s], "high_t": 1.2 * total[s],
                "relative_sd": 0.1,
            }
            for s in SPECIES
        ),
        "sensitivity": pd.DataFrame(
            {
                "variant": f"{mode} {q:g} {least}", "mode": mode, "q": q, "min_pollutants": least, "emitting_only": False,
                "class": code, "cells": int(200 * q), "area_km2": 200.0 * q, "patches": 3,
                "jaccard": 1.0 if (mode, q, least) == ("area", 0.05, 2) else 0.6, "is_base": (mode, q, least) == ("area", 0.05, 2),
            }
            for mode, q, least in swept
            for code in codes
        ),
        "stability": pd.DataFrame(
            {
                "class": code, "always": 2, "sometimes": 5, "area_always_km2": 2.0, "area_sometimes_km2": 5.0,
            }
            for code in codes
        ),
        "notes": pd.DataFrame(
            [
                ("years", "warning", "仅两年数据,不能判断趋势。", "Two years only: no trend can be told."),
                ("species", "note", "该清单不含SO2。", "The run has no SO2."),
            ],
            columns=["topic", "severity", "text_zh", "text_en"],
        ),
    }  # fmt: skip
