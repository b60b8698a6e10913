"""Allocate: an inventory on a grid. Layers are worked out when asked for; the ledger holds them against the input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from gis.allocation.build import Builder
from gis.allocation.gridded import GriddedPlacement, MovedField, place_gridded
from gis.allocation.layers import lazy_layers
from gis.allocation.ledger import Ledger
from gis.allocation.placement import Accounts, Key, Placement
from gis.allocation.policies import policies_of, refuse_circles
from gis.allocation.provenance import cells_of, contributors_of
from gis.allocation.reconcile import Contained, contained_points
from gis.allocation.reports import allocation_report
from gis.allocation.tiers import TIERS, Tier
from gis.allocation.weights import PartWeights
from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.inventory.model import GriddedField, GriddedPart, Inventory, SourcePart
from gis.kernels.sums import compensated_sum
from gis.regions.domain import domain_coverage

__all__ = ["Allocation", "allocate"]

Progress = Callable[[str, int, int], None]


@dataclass(eq=False)
class Allocation:
    """Where an inventory's mass lies on a grid: weights, layers in t/yr, tiers and the ledger."""

    inventory: Inventory
    grid: Grid
    placements: tuple[Placement, ...]
    gridded: tuple[GriddedPlacement, ...]
    contained: dict[str, Contained]
    _sums: dict[Key, float] = field(default_factory=dict)
    _moved: dict[tuple[str, Key], tuple[Accounts, int]] = field(default_factory=dict)
    _asked: dict[tuple[int, int], list[tuple[GriddedPart, GriddedField, NDArray[np.float64]]]] = field(
        default_factory=dict
    )

    # -- names ----------------------------------------------------------------------------------------------------

    @property
    def years(self) -> tuple[int, ...]:
        """Years of the run."""
        return self.inventory.years

    @property
    def species(self) -> tuple[str, ...]:
        """Species codes."""
        return tuple(s.code for s in self.inventory.species)

    @property
    def sectors(self) -> tuple[str, ...]:
        """Sector codes."""
        return tuple(s.code for s in self.inventory.sectors)

    @property
    def weights(self) -> tuple[PartWeights, ...]:
        """The weights of point, line and area parts."""
        return tuple(p.weights for p in self.placements)

    @cached_property
    def _keys(self) -> tuple[Key, ...]:
        found = {key for p in self.placements for key in p.slices}
        found |= {(f.year, f.species, f.sector) for g in self.gridded for f in g.part.fields}
        return tuple(sorted(found))

    def keys(self) -> list[tuple[int, str, str]]:
        """Year, species and sector of every layer that has input, sorted."""
        return [self._named(key) for key in self._keys]

    def _named(self, key: Key) -> tuple[int, str, str]:
        return self.years[key[0]], self.species[key[1]], self.sectors[key[2]]

    def _positions(self, year: int, species: str, sector: str) -> Key:
        for what, value, known in (
            ("year", year, self.years),
            ("species", species, self.species),
            ("sector", sector, self.sectors),
        ):
            if value not in known:
                raise InvalidParameter(f"{what} {value!r} is not in this run; it has {', '.join(map(str, known))}")
        return self.years.index(year), self.species.index(species), self.sectors.index(sector)

    # -- layers ---------------------------------------------------------------------------------------------------

    def layer(self, year: int, species: str, sector: str) -> NDArray[np.float64]:
        """Mass in every cell, t/yr, 0 where nothing is emitted."""
        return self._layer(self._positions(year, species, sector))

    def _layer(self, key: Key) -> NDArray[np.float64]:
        out = np.zeros(self.grid.size)
        for placement in self.placements:
            amount = placement.amount(key)
            if amount is not None:
                placement.weights.by_cell.add(amount, out)
        for gridded in self.gridded:
            for moved in self._move(gridded, key):
                out += moved.values.ravel()
        return out.reshape(self.grid.shape)

    def record_sum(self, year: int, species: str, sector: str, sum_t: float) -> None:
        """Keep the sum of a layer as it was written, for the ledger; layers without one are summed by it."""
        self._sums[self._positions(year, species, sector)] = sum_t

    def _move(self, gridded: GriddedPlacement, key: Key) -> list[MovedField]:
        fields = [f for f in gridded.part.fields if (f.year, f.species, f.sector) == key]
        moved = [gridded.move(f) for f in fields]
        if fields:
            total = [sum(getattr(m, name) for m in moved) for name in ("input_t", "outside_t", "superseded_t")]
            allocated = sum(compensated_sum(m.values) for m in moved)
            accounts = Accounts(total[0], allocated, total[1], 0.0, total[2])
            self._moved[gridded.part.name, key] = accounts, sum(m.no_value for m in moved)
        return moved

    def tier_layer(self, year: int, species: str, tier: str) -> NDArray[np.float64]:
        """Mass in every cell that a tier placed, t/yr, over all sectors; gridded inventories count as surrogate."""
        wanted = Tier(tier)
        y, s, _ = self._positions(year, species, self.sectors[0])
        out = np.zeros(self.grid.size)
        for placement in self.placements:
            amount = np.zeros(placement.weights.shares.shape[0])
            for key in placement.slices:
                if key[:2] == (y, s):
                    amount += placement.amount(key)
            amount[placement.weights.tier != TIERS.index(wanted)] = 0.0
            if amount.any():
                placement.weights.by_cell.add(amount, out)
        if wanted is Tier.SURROGATE:
            for gridded in self.gridded:
                for f in gridded.part.fields:
                    if (f.year, f.species) == (y, s):
                        out += gridded.move(f).values.ravel()
        return out.reshape(self.grid.shape)

    def tier_keys(self) -> list[tuple[int, str, str]]:
        """Year, species and tier of every tier layer that can hold mass, sorted by year and species."""
        found = set()
        for placement in self.placements:
            tiers = {str(TIERS[t]) for t in np.unique(placement.weights.tier[placement.weights.used])}
            found |= {(self.years[y], self.species[s], t) for y, s, _ in placement.slices for t in tiers}
        found |= {
            (self.years[f.year], self.species[f.species], str(Tier.SURROGATE))
            for g in self.gridded
            for f in g.part.fields
        }
        return sorted(found)

    @property
    def layers(self) -> xr.DataArray:
        """All layers, dimensions (year, species, sector, y, x), each worked out when its values are touched."""
        return lazy_layers(self.layer, self.years, self.species, self.sectors, self.grid)

    @cached_property
    def valid(self) -> NDArray[np.bool_]:
        """Cells of the domain: covered by half or more, or holding a source."""
        out = domain_coverage(self.inventory.regions, self.grid) >= 0.5
        flat = out.ravel()
        for weights in self.weights:
            flat[weights.by_cell.cells] = True
        if self.gridded:
            for key in self._keys:
                if any((f.year, f.species, f.sector) == key for g in self.gridded for f in g.part.fields):
                    flat |= self._layer(key).ravel() > 0
        return out

    # -- the ledger -----------------------------------------------------------------------------------------------

    @cached_property
    def ledger(self) -> Ledger:
        """Mass in and mass accounted for; layers not yet worked out are, to be summed."""
        for key in self._keys:
            if key not in self._sums:
                self._sums[key] = compensated_sum(self._layer(key))
        columns = ["input_t", "allocated_t", "outside_t", "unallocatable_t", "superseded_t"]
        rows = [self._row(p.weights.part, key, p.accounts(key)) for p in self.placements for key in p.slices]
        rows += [self._row(part, key, accounts) for (part, key), (accounts, _) in sorted(self._moved.items())]
        parts = pd.DataFrame(rows, columns=["part", "year", "species", "sector", *columns])
        # A sum of a frame leaves NaN out; infinity stays to be seen by the check.
        known = parts[columns].astype(np.float64)
        parts[columns] = known.where(np.isfinite(known), np.inf)
        table = parts.groupby(["part", "year", "species", "sector"], as_index=False)[columns].sum()
        table = table.merge(self._excess(), on=["part", "year", "species", "sector"], how="outer").fillna(0.0)
        table["excess_t"] = table["excess_t"].astype(np.float64)
        layers = parts.groupby(["year", "species", "sector"], as_index=False)[columns].sum()
        sums = {self._named(key): value for key, value in self._sums.items()}
        layers["allocated_t"] = [
            sums[y, s, c] for y, s, c in zip(layers["year"], layers["species"], layers["sector"], strict=True)
        ]
        unread = [
            {"reason": r, "part": p, "species": s, "mass_t": m}
            for (r, p, s), m in sorted(self.inventory.unread_t.items())
        ]
        worst = max((float(np.abs(_closure(w)).max(initial=0.0)) for w in self.weights), default=0.0)
        return Ledger(table, layers, pd.DataFrame(unread, columns=["reason", "part", "species", "mass_t"]), worst)

    def _row(self, part: str, key: Key, accounts: Accounts) -> dict[str, Any]:
        year, species, sector = self._named(key)
        return {
            "part": part, "year": year, "species": species, "sector": sector, "input_t": accounts.input_t,
            "allocated_t": accounts.allocated_t, "outside_t": accounts.outside_t,
            "unallocatable_t": accounts.unallocatable_t, "superseded_t": accounts.superseded_t,
        }  # fmt: skip

    def _excess(self) -> pd.DataFrame:
        rows = [
            {
                "part": part,
                "year": self.years[y],
                "species": self.species[s],
                "sector": self.sectors[c],
                "excess_t": excess,
            }
            for part, found in self.contained.items()
            for y, s, c, excess in found.excess.groupby(["year", "species", "sector"])["excess_t"]
            .sum()
            .reset_index()
            .to_numpy()
            for y, s, c in [(int(y), int(s), int(c))]
        ]
        return pd.DataFrame(rows, columns=["part", "year", "species", "sector", "excess_t"])

    def gridded_fields(self, key: tuple[int, int]) -> list[tuple[GriddedPart, GriddedField, NDArray[np.float64]]]:
        """Gridded fields of a year and species (positions) on the grid, flat; kept until another key is asked for."""
        if key not in self._asked:
            # One key only: a field on a large grid is as large as a layer.
            self._asked.clear()
            self._asked[key] = [
                (g.part, f, g.move(f).values.ravel())
                for g in self.gridded
                for f in g.part.fields
                if (f.year, f.species) == key
            ]
        return self._asked[key]

    # -- provenance -----------------------------------------------------------------------------------------------

    def contributors(
        self,
        cells: NDArray[np.int64] | list[int] | int,
        species: str,
        *,
        year: int | None = None,
        top: int | None = None,
    ) -> pd.DataFrame:
        """Sources behind the mass of a species in some cells, largest first: part, source_id, names, sector, tier, mass_t, share."""
        return contributors_of(self, np.unique(np.atleast_1d(np.asarray(cells, np.int64))), species, year=year, top=top)

    def positions(self, part: str, source_id: str) -> NDArray[np.int64]:
        """Positions, in a part, of the sources with that id."""
        ids = self.inventory.part(part).sources["source_id"]  # type: ignore[union-attr]
        return np.flatnonzero((ids == source_id).to_numpy(bool))

    def cells(self, source_id: str, *, part: str | None = None) -> pd.DataFrame:
        """Where a source's mass goes: part, policy, cell, row, col, share, tier."""
        return cells_of(self, source_id, part=part)

    @property
    def report(self) -> dict[str, Any]:
        """What a person should know: which surrogate served whom, excess, moved points, cells without value, area model."""
        return allocation_report(self)


def _closure(weights: PartWeights) -> NDArray[np.float64]:
    total = weights.inside + weights.outside + weights.superseded + weights.unallocatable
    out: NDArray[np.float64] = np.where(weights.used, total - 1.0, 0.0)
    return out


def allocate(
    inventory: Inventory, grid: Grid, *, reuse: Allocation | None = None, progress: Progress | None = None
) -> Allocation:
    """The inventory on the grid. ``reuse`` lends the weights of an earlier allocation wherever all they depend on is the same."""
    earlier = {(w.part, w.key): w for w in reuse.weights} if reuse is not None else {}
    refuse_circles(inventory)
    builder = Builder(inventory, grid, earlier)
    emitting = sorted((p for p in inventory.parts if p.policy.use == "emissions"), key=lambda p: p.name)
    placements: list[Placement] = []
    gridded: list[GriddedPlacement] = []
    contained: dict[str, Contained] = {}
    for i, part in enumerate(emitting):
        if progress is not None:
            progress(f"weights of {part.name}", i, len(emitting))
        if isinstance(part, GriddedPart):
            gridded.append(place_gridded(part, inventory, grid))
            continue
        placements += _place(part, inventory, builder, contained)
        builder.forget(part)
    if progress is not None:
        progress("weights", len(emitting), len(emitting))
    return Allocation(inventory, grid, tuple(placements), tuple(gridded), contained)


def _place(
    part: SourcePart, inventory: Inventory, builder: Builder, contained: dict[str, Contained]
) -> list[Placement]:
    found = contained_points(part, inventory)
    if part.policy.subtract:
        contained[part.name] = found
    out = []
    for policy, use in policies_of(part, inventory):
        used = np.zeros(len(part), bool)
        used[part.amounts.source[use]] = True
        out.append(Placement.of(builder.build(part, policy, used), part.amounts, use, found.superseded_t))
    return out
