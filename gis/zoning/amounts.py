"""Amounts of units: points where they stand, and of what is spread over a cell the unit's share of the cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gis.allocation.tiers import TIERS, Tier
from gis.errors import InvalidParameter
from gis.hotspots.emissions import Emissions, Sparse
from gis.kernels.shares import place_values, share_sums
from gis.zoning.sources import PointSources

__all__ = ["UnitAmounts", "supply_secured", "unit_amounts"]

Floats = NDArray[np.float64]

# Layers and points are sums of the same numbers in another order; points that exceed their cell by more belong to other emissions.
_ROUNDING = 1e-9
# Shares of one cell over all units may exceed the whole by this much: rounding of areas.
_SHARE_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class UnitAmounts:
    """What units emit in t/yr.

    ``amount_t`` is (units, species), ``by_sector_t`` (units, species, sectors), ``by_tier_t`` (units, species, tiers: point,
    line, surrogate, uniform), ``shared_t`` (units, species) the part that was placed by a proxy shared with other species.
    """

    amount_t: Floats
    by_sector_t: Floats
    by_tier_t: Floats
    shared_t: Floats

    def __post_init__(self) -> None:
        for name in ("amount_t", "by_sector_t", "by_tier_t", "shared_t"):
            getattr(self, name).flags.writeable = False

    def proxy_share(self) -> Floats:
        """Share of each unit's mass that rests on shared proxies, (units, species); 0 where nothing is emitted."""
        share = np.divide(self.shared_t, self.amount_t, out=np.zeros_like(self.amount_t), where=self.amount_t > 0)
        clipped: Floats = np.minimum(share, 1.0)  # sums in another order
        return clipped


def unit_amounts(
    emissions: Emissions, points: PointSources, shares: csr_array, point_unit: NDArray[np.int32]
) -> UnitAmounts:
    """Amounts of every row of ``shares`` (units × cells of the domain), points by ``point_unit`` (-1: in none).

    The mass of a cell is the points in it and the rest; a unit has the points that it was given and its share of the rest.
    """
    cells = _Cells(emissions, points, shares, point_unit)
    kinds = len(emissions.species)
    if not cells.units:  # no layer has to be read
        none = np.zeros((0, kinds))
        sectors, tiers = np.zeros((0, kinds, len(emissions.sectors))), np.zeros((0, kinds, len(TIERS)))
        return UnitAmounts(none, sectors, tiers, none)
    amount = np.stack([cells.sums(emissions.amount_t[s], s, None, "amount_t") for s in range(kinds)], axis=1)
    sectors = np.zeros((cells.units, kinds, len(emissions.sectors)))
    for (species, sector), layer in emissions.by_sector.items():
        s, k = emissions.position(species), emissions.sectors.index(sector)
        sectors[:, s, k] = cells.sums(layer, s, k, f"sector {sector}")
    tiers = np.zeros((cells.units, kinds, len(TIERS)))
    for (species, tier), layer in emissions.by_tier.items():
        s, k = emissions.position(species), TIERS.index(Tier(tier))
        tiers[:, s, k] = cells.sums(layer, s, None, "tier point") if tier == Tier.POINT else cells.spread(layer)
    shared = np.stack([cells.spread(emissions.shared_t[s]) for s in range(kinds)], axis=1)
    return UnitAmounts(amount, sectors, tiers, shared)


def supply_secured(points: PointSources, point_unit: NDArray[np.int32], *, units: int) -> NDArray[np.bool_]:
    """Whether each unit holds a point source that secures supply, however small it is."""
    out = np.zeros(units, np.bool_)
    flagged = points.table["supply_security"].to_numpy(bool) & (point_unit >= 0)
    out[point_unit[flagged]] = True
    return out


class _Cells:
    """The cells that units have a share of, and the points in them."""

    def __init__(
        self, emissions: Emissions, points: PointSources, shares: csr_array, point_unit: NDArray[np.int32]
    ) -> None:
        size = emissions.domain.size
        _check(size, points, shares, point_unit)
        self.units: int = shares.shape[0]
        self._domain, self._species = emissions.domain, emissions.species
        self._points, self._unit = points, point_unit[points.source]
        self._used = np.unique(shares.indices).astype(np.int64)
        # Position among the used cells of every cell, -1 for the others: layers are cut down to what is used.
        self._place = np.full(size, -1, np.int32)
        self._place[self._used] = np.arange(len(self._used), dtype=np.int32)
        self._indptr, self._share = shares.indptr.astype(np.int64), shares.data.astype(np.float64)
        self._column = self._place[shares.indices].astype(np.int64)
        self._at = self._place[points.at[points.source]]

    def spread(self, layer: Sparse | Floats) -> Floats:
        """Σ share × value for every unit."""
        return self._sums(self._cut(layer))

    def sums(self, layer: Sparse | Floats, species: int, sector: int | None, name: str) -> Floats:
        """Points of every unit, and its share of what the layer holds beside points."""
        wanted = self._points.species == species
        if sector is not None:
            wanted &= self._points.sector == sector
        mass_t = self._points.mass_t[wanted]
        held, there = self._at[wanted], self._at[wanted] >= 0
        values = self._cut(layer)
        if not len(mass_t):
            return self._sums(values)
        rest = values - np.bincount(held[there], mass_t[there], len(self._used))
        if (rest < -_ROUNDING * values).any():
            k = int(np.argmin(rest + _ROUNDING * values))
            raise InvalidParameter(
                f"points in cell {self._domain.cells[self._used[k]]} emit {values[k] - rest[k]:g} t/yr of {self._species[species]}, "
                f"more than {name} has there, {values[k]:g}; expected the points of the run and year of the emissions"
            )
        owner = self._unit[wanted]
        own = np.bincount(owner[owner >= 0], mass_t[owner >= 0], self.units)
        total: Floats = own + self._sums(np.maximum(rest, 0.0))
        return total

    def _sums(self, values: Floats) -> Floats:
        out = np.empty(self.units)
        share_sums(self._indptr, self._column, self._share, values, out)
        return out

    def _cut(self, layer: Sparse | Floats) -> Floats:
        """The layer's values in the used cells."""
        if not isinstance(layer, Sparse):
            return np.asarray(layer[self._used], np.float64)
        if layer.at is None:
            return layer.value[self._used]
        out = np.zeros(len(self._used))
        place_values(layer.at, layer.value, self._place, out)
        return out


def _check(size: int, points: PointSources, shares: csr_array, point_unit: NDArray[np.int32]) -> None:
    if shares.shape[1] != size:
        raise InvalidParameter(f"shares have {shares.shape[1]} columns; expected the {size} cells of the domain")
    if len(point_unit) != len(points):
        raise InvalidParameter(f"{len(point_unit)} entries of point_unit for {len(points)} points; expected one each")
    if len(point_unit) and not (point_unit.min() >= -1 and point_unit.max() < shares.shape[0]):
        raise InvalidParameter(
            f"point_unit from {point_unit.min()} to {point_unit.max()}; expected -1 or a row of shares, below {shares.shape[0]}"
        )
    if len(points) and not (points.at.min() >= 0 and points.at.max() < size):
        raise InvalidParameter(
            f"points stand at positions {points.at.min()} to {points.at.max()}; expected 0 to {size - 1}"
        )
    data = shares.data
    if len(data) and not (data.min() >= 0.0 and np.isfinite(data).all()):
        raise InvalidParameter(
            f"shares from {data.min()} to {data.max()}; shares of cells are expected, finite and not negative"
        )
    if len(data) and (most := float(np.bincount(shares.indices, data, size).max())) > 1.0 + _SHARE_ROUNDING:
        raise InvalidParameter(f"a cell is shared out {most!r} times; expected once at most over all units")
