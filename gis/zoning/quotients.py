"""Quotients: which sectors a unit has more of than the region, and which it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.hotspots.emissions import Emissions
from gis.zoning.model import TABLES

__all__ = ["focus_sectors", "location_quotients", "region_sectors", "sector_table"]

Floats = NDArray[np.float64]

# A unit is about the sectors that hold this much of its carbon, or of its pollutants, together ...
_FOCUS_SHARE = 0.8
# ... and about those it has this many times the region's share of, if they hold this share of a species in it.
_FOCUS_QUOTIENT = 2.0
_LEAST_SHARE = 0.1
# Shares that differ by less are equal: rounding decides nothing.
_ROUNDING = 1e-12


def region_sectors(emissions: Emissions) -> Floats:
    """Mass of the whole domain by species and sector in t/yr."""
    out = np.zeros((len(emissions.species), len(emissions.sectors)))
    for (species, sector), layer in emissions.by_sector.items():
        out[emissions.position(species), emissions.sectors.index(sector)] = layer.total
    return out


def location_quotients(by_sector_t: Floats, region_t: Floats) -> Floats:
    """(E_sz / E_z) / (E_s / E) by unit, species and sector; NaN where unit or region have nothing (Florence 1939)."""
    local = _shares(by_sector_t)
    everywhere = np.broadcast_to(_shares(region_t), local.shape)
    out = np.full(local.shape, np.nan)
    np.divide(local, everywhere, out=out, where=(everywhere > 0) & np.isfinite(local))
    return out


def focus_sectors(by_sector_t: Floats, region_t: Floats, weights: Floats) -> NDArray[np.bool_]:
    """Whether each unit is about each sector, (units, sectors).

    It is, if the sector is among the fewest that hold 80 % of the unit's carbon, or 80 % of its pollutants (mean of its shares of each,
    by weight, over those emitted), equal ones alike; or if it holds 10 % of a species and twice the region's share of it.
    """
    local = np.nan_to_num(_shares(by_sector_t))
    emits = by_sector_t.sum(axis=2) > 0
    weight = np.where(emits[:, 1:], weights[None, :], 0.0)
    whole = weight.sum(axis=1, keepdims=True)
    weight = np.divide(weight, whole, out=np.zeros_like(weight), where=whole > 0)
    quotient = np.nan_to_num(location_quotients(by_sector_t, region_t))
    special = ((quotient >= _FOCUS_QUOTIENT - _ROUNDING) & (local >= _LEAST_SHARE - _ROUNDING)).any(axis=1)
    focus: NDArray[np.bool_] = special | _fewest(local[:, 0]) | _fewest((local[:, 1:] * weight[:, :, None]).sum(axis=1))
    return focus


def sector_table(
    units: Sequence[str],
    species: Sequence[str],
    sectors: Sequence[str],
    by_sector_t: Floats,
    region_t: Floats,
    weights: Floats,
) -> pd.DataFrame:
    """The table ``sectors`` of a zoning: a row for every unit, species and sector with mass, largest first."""
    shape = (len(units), len(species), len(sectors))
    if by_sector_t.shape != shape or region_t.shape != shape[1:] or weights.shape != (len(species) - 1,):
        raise InvalidParameter(
            f"amounts of shape {by_sector_t.shape}, the region's of {region_t.shape} and weights of {weights.shape}; "
            f"expected {shape}, {shape[1:]} and {(len(species) - 1,)}"
        )
    share, quotient = _shares(by_sector_t), location_quotients(by_sector_t, region_t)
    focus = focus_sectors(by_sector_t, region_t, weights)
    u, s, k = np.nonzero(by_sector_t > 0)
    order = np.lexsort((k, -by_sector_t[u, s, k], s, u))
    u, s, k = u[order], s[order], k[order]
    columns: Mapping[str, object] = {
        "unit": np.asarray(units, object)[u],
        "species": np.asarray(species, object)[s],
        "sector": np.asarray(sectors, object)[k],
        "mass_t": by_sector_t[u, s, k],
        "share": share[u, s, k],
        "quotient": quotient[u, s, k],
        "focus": focus[u, k],
    }
    table = pd.DataFrame(columns)[list(TABLES["sectors"])]
    return table.astype(dict.fromkeys(("unit", "species", "sector"), "str"))


def _shares(by_sector_t: Floats) -> Floats:
    """Share of each sector along the last axis, NaN where all are zero."""
    total = by_sector_t.sum(axis=-1, keepdims=True)
    out = np.full(by_sector_t.shape, np.nan)
    np.divide(by_sector_t, total, out=out, where=total > 0)
    return out


def _fewest(share: Floats) -> NDArray[np.bool_]:
    """The fewest sectors of each row, largest first, that reach the focus share; sectors equal to the last are in as well."""
    ordered = -np.sort(-share, axis=1)
    reached = np.cumsum(ordered, axis=1) >= _FOCUS_SHARE - _ROUNDING
    last = np.take_along_axis(ordered, np.argmax(reached, axis=1)[:, None], axis=1)
    chosen: NDArray[np.bool_] = (share > 0) & (share >= last - _ROUNDING) & reached.any(axis=1, keepdims=True)
    return chosen
