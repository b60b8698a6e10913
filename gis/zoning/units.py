"""The table of units: shapes with what they emit, how sure it is, and where they stand among each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gis.allocation.tiers import TIERS, Tier
from gis.hotspots.emissions import Emissions
from gis.zoning.amounts import UnitAmounts, supply_secured, unit_amounts
from gis.zoning.cells import CELL_TIERS, Findings, robustness
from gis.zoning.model import columns_of
from gis.zoning.parameters import Parameters
from gis.zoning.scores import RankDraws, scores
from gis.zoning.shapes import UnitShapes
from gis.zoning.sources import PointSources

__all__ = ["PROXY_LED", "Units", "conflict_table", "tier_table", "unit_of_cell", "unit_table", "units_of"]

Floats = NDArray[np.float64]
PROXY_LED = "proxy_led"


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """What units emit and how they rank; ``apart_t`` is the equivalent's amount where there is one, (units, further species)."""

    amounts: UnitAmounts
    apart_t: Floats
    order: pd.DataFrame
    membership: Floats
    secured: NDArray[np.bool_]


def units_of(
    found: Findings, base: Emissions, points: PointSources, shapes: UnitShapes, weights: Floats, parameters: Parameters
) -> Units:
    """Amounts and order of the units; ``base`` has the species of the run, without an equivalent made of them."""
    amounts = unit_amounts(base, points, shapes.shares, shapes.point_unit)
    count = len(shapes.frame)
    patch = shapes.frame["patch"].to_numpy(np.int32)
    member = _mean_membership(found, shapes)
    draws = None
    if found.membership is not None:
        row = np.append(found.drawn, np.int32(-1))[found.delineation.patch]
        at = np.flatnonzero(row >= 0)
        nominal = np.zeros(found.membership.patch_t.shape[:2])
        for s in range(len(base.species)):
            nominal[:, s] = np.bincount(row[at], base.amount_t[s, at], len(nominal))
        draws = RankDraws(found.membership.patch_t, nominal, found.drawn[patch])
    order = scores(
        amounts.amount_t, shapes.area_km2, member if found.membership is not None else None, weights, draws=draws,
        seed=parameters.membership.seed,
    )  # fmt: skip
    apart_t = np.zeros((count, len(found.heat.species) - len(base.species)))
    if parameters.apeq is not None:
        apart_t[:, 0] = amounts.amount_t @ [parameters.apeq.weights.get(s, 0.0) for s in base.species]
    return Units(amounts, apart_t, order, member, supply_secured(points, shapes.point_unit, units=count))


def _mean_membership(found: Findings, shapes: UnitShapes) -> Floats:
    """Mean membership of the seeds in every unit, by area; that of its whole hotspot for a unit without a seed of its own."""
    if found.membership is None:
        return np.full(len(shapes.frame), np.nan)
    seeds, patch = found.delineation.seed, shapes.frame["patch"].to_numpy(np.int64)
    area = np.where(seeds & (found.delineation.patch >= 0), found.emissions.domain.area_km2, 0.0)
    moment = area * found.membership.rule
    own, own_moment = shapes.shares @ area, shapes.shares @ moment
    count = len(found.delineation.patches)
    at = np.flatnonzero(area > 0)
    of_patch = np.bincount(found.delineation.patch[at], area[at], count)
    moment_of_patch = np.bincount(found.delineation.patch[at], moment[at], count)
    mean = np.where(own > 0, own_moment / np.where(own > 0, own, 1.0), moment_of_patch[patch] / of_patch[patch])
    clipped: Floats = np.clip(mean, 0.0, 1.0)
    return clipped


def unit_of_cell(shapes: UnitShapes, at: NDArray[np.int64]) -> NDArray[np.object_]:
    """The unit that has most of each cell, by position in the domain, or an empty text."""
    shares = csr_array(shapes.shares)
    size = shares.shape[1]
    row = np.repeat(np.arange(shares.shape[0]), np.diff(shares.indptr))
    # The last of a cell's entries in this order is its largest share, the first unit among equals.
    order = np.lexsort((-row, shares.data))
    owner = np.full(size, -1, np.int64)
    owner[shares.indices[order]] = row[order]
    names = np.append(shapes.frame["unit"].to_numpy(dtype=object), "")
    named: NDArray[np.object_] = names[owner[at]]
    return named


def unit_table(found: Findings, shapes: UnitShapes, units: Units, parameters: Parameters) -> gpd.GeoDataFrame:
    """TABLES["units"]."""
    table = pd.DataFrame(shapes.frame.drop(columns="geometry"))
    domain, delineation = found.emissions.domain, found.delineation
    binary = csr_array(
        (np.ones(len(shapes.shares.data)), shapes.shares.indices, shapes.shares.indptr), shape=shapes.shares.shape
    )
    in_patch = np.where(delineation.patch >= 0, domain.area_km2, 0.0)
    table["cells"] = np.diff(shapes.shares.indptr).astype(np.int64)
    table["area_km2"] = shapes.area_km2
    table["hot_share"] = np.clip((shapes.shares @ in_patch) / shapes.area_km2, 0.0, 1.0)
    proxy = _proxy_share(units.amounts)
    led = proxy >= parameters.evidence.proxy_led
    table["tier"] = np.where(led, PROXY_LED, _core_tier(found, shapes)).astype(object)
    words = robustness(units.membership, parameters)
    words[np.isnan(units.membership)] = ""
    table["robustness"], table["membership"] = words, units.membership
    table["proxy_share"], table["proxy_led"] = proxy, led
    seeds = (delineation.seed & (delineation.patch >= 0)).astype(np.float64)
    table["years_hot"] = _or_of_patch(
        found, shapes, binary @ (seeds * found.years_hot), seeds * found.years_hot
    ) / np.maximum(_or_of_patch(found, shapes, binary @ seeds, seeds), 1.0)
    table["supply_security"] = units.secured
    counts = shapes.conflicts["unit"].value_counts()
    table["conflicts"] = table["unit"].map(counts).fillna(0).astype(np.int64)
    for name in ("score", "rank", "rank_low", "rank_high"):
        table[name] = units.order[name].to_numpy()
    return _with_species(table, found, units, shapes)


def _or_of_patch(found: Findings, shapes: UnitShapes, own: Floats, of_cell: Floats) -> Floats:
    """The units' own sums; those of the whole hotspot for a unit that has no seed of its own."""
    seeds = (found.delineation.seed & (found.delineation.patch >= 0)).astype(np.float64)
    whole = _sums_of_patches(found, of_cell)[shapes.frame["patch"].to_numpy(np.int64)]
    chosen: Floats = np.where(shapes.shares @ seeds > 0, own, whole)
    return chosen


def _sums_of_patches(found: Findings, of_cell: Floats) -> Floats:
    patch = found.delineation.patch
    at = np.flatnonzero(patch >= 0)
    return np.bincount(patch[at], of_cell[at], len(found.delineation.patches)).astype(np.float64)


def _core_tier(found: Findings, shapes: UnitShapes) -> NDArray[np.object_]:
    """clustered_core where half or more of a unit's seeds, by area, are; else isolated_core."""
    domain = found.emissions.domain
    cores = (np.where(found.tier == CELL_TIERS.index(t), domain.area_km2, 0.0) for t in CELL_TIERS[1:3])
    clustered, isolated = (_or_of_patch(found, shapes, shapes.shares @ area, area) for area in cores)
    return np.where((clustered >= isolated) & (clustered > 0), CELL_TIERS[1], CELL_TIERS[2]).astype(object)


def _proxy_share(amounts: UnitAmounts) -> Floats:
    """Share of shared proxies in a unit's mass, the mean over the species it emits."""
    some = amounts.amount_t > 0
    mean: Floats = amounts.proxy_share().sum(axis=1) / np.maximum(some.sum(axis=1), 1)
    return mean


def _with_species(table: pd.DataFrame, found: Findings, units: Units, shapes: UnitShapes) -> gpd.GeoDataFrame:
    amount_t = np.hstack((units.amounts.amount_t, units.apart_t))
    blocks: dict[str, Any] = {}
    for s, code in enumerate(found.heat.species):
        total_t = float(found.emissions.amount_t[s].sum())
        blocks[f"{code}_t"] = amount_t[:, s]
        blocks[f"{code}_t_km2"] = amount_t[:, s] / shapes.area_km2
        blocks[f"{code}_share"] = amount_t[:, s] / total_t if total_t > 0 else np.zeros(len(table))
    whole = pd.concat([table, pd.DataFrame(blocks, index=table.index)], axis=1)
    frame = gpd.GeoDataFrame(whole, geometry=shapes.frame.geometry.to_numpy(), crs=shapes.frame.crs)
    return frame[columns_of("units", found.heat.species)]


def conflict_table(
    found: Findings, base: Emissions, points: PointSources, shapes: UnitShapes, parameters: Parameters
) -> tuple[gpd.GeoDataFrame, Floats]:
    """TABLES["conflicts"], and the amounts of the conflicts (conflicts × species of ``base``)."""
    amounts = unit_amounts(base, points, shapes.conflict_shares, shapes.point_conflict)
    frame = shapes.conflicts.copy()
    inside = shapes.point_conflict[shapes.point_conflict >= 0]
    frame["sources"] = np.bincount(inside, minlength=len(frame)).astype(np.int64)
    for s, code in enumerate(found.heat.species):
        # An equivalent is the last species, made of the others.
        weights = parameters.apeq.weights if parameters.apeq is not None else {}
        equivalent = np.array([weights.get(k, 0.0) for k in base.species])
        frame[f"{code}_t"] = amounts.amount_t[:, s] if s < len(base.species) else amounts.amount_t @ equivalent
    return frame[columns_of("conflicts", found.heat.species)], amounts.amount_t


def tier_table(units: Sequence[str], amounts: UnitAmounts, base: Emissions) -> pd.DataFrame:
    """TABLES["tiers"]: mass of every unit and species by tier, and, with an empty unit, of the whole domain."""
    whole = np.zeros((1, len(base.species), len(TIERS)))
    for (species, tier), layer in base.by_tier.items():
        whole[0, base.position(species), TIERS.index(Tier(tier))] = layer.total
    mass_t = np.concatenate([whole, amounts.by_tier_t])
    total_t = mass_t.sum(axis=2)
    u, s, k = np.nonzero(mass_t > 0)
    columns = {
        "unit": np.array(["", *units], dtype=object)[u], "species": np.array(base.species, dtype=object)[s],
        "tier": np.array([str(t) for t in TIERS], dtype=object)[k], "mass_t": mass_t[u, s, k],
        "share": mass_t[u, s, k] / total_t[u, s],
    }  # fmt: skip
    return pd.DataFrame(columns)
