"""Who stands behind the emissions of units: points where they stand, lines and areas through the stored weights."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gis.allocation.tiers import TIERS, Tier
from gis.hotspots.emissions import Emissions
from gis.inventory.description import Kind
from gis.projection import transformer
from gis.workspace.lookups import StoredWeights
from gis.workspace.run import Run
from gis.workspace.tables import read_entries
from gis.zoning.sources import SOURCE_COLUMNS, PointSources

__all__ = ["RunProvenance"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
_COLUMNS = ("unit", "species", "position", *SOURCE_COLUMNS, "sector", "tier", "mass_t", "share")
# What is left of a unit after its sources belongs to gridded parts, unless it is only rounding.
_ROUNDING = 1e-9
# Positions of a row's weights that stand for the point sources and for what gridded parts left.
_POINTS, _GRIDDED = -1, -2
_YES = ("true", "1", "1.0", "yes", "是")


class RunProvenance:
    """Sources of a run behind the emissions of a domain in one year."""

    def __init__(self, run: Run, emissions: Emissions) -> None:
        self._run = run
        self._emissions = emissions

    @property
    def _weights(self) -> tuple[StoredWeights, ...]:
        return self._run.weights

    def _placed(self, weights: StoredWeights, species: str) -> Any:
        run = self._run
        return weights.placed(run.years.index(self._emissions.year), run.species.index(species))

    # -- points -----------------------------------------------------------------------------------------------------

    @cached_property
    def points(self) -> PointSources:
        """The point sources whose cell is in the domain."""
        found = [p for p in (self._points_of(part) for part in self._point_parts()) if len(p)]
        if not found:
            return PointSources.none()
        first = np.cumsum([0, *(len(p) for p in found)])
        shifted = [p.source + np.int32(at) for p, at in zip(found, first, strict=False)]

        def joined(name: str) -> Any:
            return np.concatenate([getattr(p, name) for p in found])

        return _in_order(
            PointSources(
                pd.concat([p.table for p in found], ignore_index=True), joined("x"), joined("y"), joined("at"),
                np.concatenate(shifted), joined("species"), joined("sector"), joined("mass_t"),
            )
        )  # fmt: skip

    def _point_parts(self) -> list[str]:
        return sorted({w.part for w in self._weights if w.kind is Kind.POINT})

    def _points_of(self, part: str) -> PointSources:
        domain = self._emissions.domain
        frame = self._run.sources(part)
        cell = np.full(len(frame), -1, np.int64)
        amounts = []
        for weights in (w for w in self._weights if w.part == part):
            entries = read_entries(weights._path("weights-by-source"))
            share = np.zeros(len(frame))
            cell[entries["source"].to_numpy()] = entries["cell"].to_numpy()
            share[entries["source"].to_numpy()] = entries["share"].to_numpy()
            for s, species in enumerate(self._emissions.species):
                placed = self._placed(weights, species)
                source = placed["source"].to_numpy()
                amounts.append((source, np.full(len(source), s), placed["sector"].to_numpy(),
                                placed["mass_t"].to_numpy() * share[source]))  # fmt: skip
        source, code, sector, mass_t = (np.concatenate([a[i] for a in amounts]) for i in range(4))
        at = np.where(cell >= 0, domain.positions(np.maximum(cell, 0)), -1)
        some = np.zeros(len(frame), bool)
        some[source[mass_t > 0]] = True
        kept = np.flatnonzero((at >= 0) & some)
        new = np.full(len(frame), -1, np.int64)
        new[kept] = np.arange(len(kept))
        mine = (new[source] >= 0) & (mass_t > 0)
        x, y = self._located(frame, kept)
        return PointSources(
            _described(part, frame.iloc[kept]), x, y, at[kept], new[source[mine]].astype(np.int32),
            code[mine].astype(np.int8), sector[mine].astype(np.int8), mass_t[mine].astype(np.float64),
        )  # fmt: skip

    def _located(self, frame: Any, kept: Whole) -> tuple[Floats, Floats]:
        points = frame.geometry.iloc[kept]
        x, y = points.x.to_numpy(), points.y.to_numpy()
        if frame.crs == self._run.grid.crs:
            return x, y
        moved = transformer(frame.crs, self._run.grid.crs).transform(x, y)
        return np.asarray(moved[0]), np.asarray(moved[1])

    # -- contributors -------------------------------------------------------------------------------------------------

    def contributors(self, shares: csr_array, point_unit: NDArray[np.int32], *, top: int) -> pd.DataFrame:
        """The largest sources of every unit and species; see `gis.zoning.sources.Provenance`."""
        totals = self._unit_totals(shares, point_unit)
        found = np.zeros_like(totals)
        blocks = [_block()]
        for block in (self._from_points(point_unit), *self._from_spread(shares)):
            np.add.at(found, (block["unit"].to_numpy(), block["species_at"].to_numpy()), block["mass_t"].to_numpy())
            blocks.append(_largest(block, top))
        blocks.append(self._from_gridded(totals, totals - found))
        table = _largest(pd.concat([b for b in blocks if len(b)] or blocks, ignore_index=True), top)
        table["share"] = table["mass_t"] / totals[table["unit"], table["species_at"]]
        return self._named(table)

    def _unit_totals(self, shares: csr_array, point_unit: NDArray[np.int32]) -> Floats:
        emissions, points = self._emissions, self.points
        spread = emissions.amount_t.T.copy()
        np.subtract.at(spread, (points.at[points.source], points.species), points.mass_t)
        totals = np.asarray(shares @ np.maximum(spread, 0.0))
        unit = point_unit[points.source]
        inside = unit >= 0
        np.add.at(totals, (unit[inside], points.species[inside]), points.mass_t[inside])
        return totals

    def _from_points(self, point_unit: NDArray[np.int32]) -> pd.DataFrame:
        points = self.points
        unit = point_unit[points.source]
        inside = np.flatnonzero(unit >= 0)
        tier = np.full(len(inside), TIERS.index(Tier.POINT))
        return _block(
            unit[inside], points.species[inside], np.full(len(inside), _POINTS), points.source[inside], points.sector[inside],
            tier, points.mass_t[inside],
        )  # fmt: skip

    def _from_spread(self, shares: csr_array) -> Iterator[pd.DataFrame]:
        """Blocks of rows, one for every species of every line or area part under one policy."""
        domain = self._emissions.domain
        used = np.zeros(domain.grid.size, bool)
        used[domain.cells[np.unique(shares.indices)]] = True
        for number, weights in enumerate(self._weights):
            if weights.kind is Kind.POINT:
                continue
            entries = read_entries(weights._path("weights-by-cell"))
            cell = entries["cell"].to_numpy()
            mine = used[cell]
            source = entries["source"].to_numpy()[mine]
            share = entries["share"].to_numpy()[mine]
            at = domain.positions(cell[mine])
            del entries, cell
            if not len(at):
                continue
            rest = weights.rest
            of_cells = csr_array((share, (at, source)), shape=(domain.size, len(rest)))
            of_units = (shares @ of_cells).tocsc()
            for s, species in enumerate(self._emissions.species):
                yield self._products(of_units, weights, number, s, species)

    def _products(self, of_units: csr_array, weights: StoredWeights, number: int, s: int, species: str) -> pd.DataFrame:
        placed = self._placed(weights, species)
        source, mass_t = placed["source"].to_numpy(), placed["mass_t"].to_numpy()
        start, stop = of_units.indptr[source].astype(np.int64), of_units.indptr[source + 1].astype(np.int64)
        count = stop - start
        flat = np.repeat(start - np.concatenate(([0], np.cumsum(count)[:-1])), count) + np.arange(int(count.sum()))
        row = np.repeat(np.arange(len(source)), count)
        tier = weights.rest["tier"].to_numpy()[source[row]]
        return _block(
            of_units.indices[flat], np.full(len(row), s), np.full(len(row), number), source[row],
            placed["sector"].to_numpy()[row], tier, of_units.data[flat] * mass_t[row],
        )  # fmt: skip

    def _from_gridded(self, totals: Floats, left: Floats) -> pd.DataFrame:
        """What units have beyond their sources, a row a species, where the run has gridded parts."""
        if not self._gridded_parts():
            return _block()
        unit, species = np.nonzero(left > _ROUNDING * totals)
        count = len(unit)
        several, tier = np.full(count, -1), np.full(count, TIERS.index(Tier.SURROGATE))
        return _block(unit, species, np.full(count, _GRIDDED), several, several, tier, left[unit, species])

    def _gridded_parts(self) -> list[str]:
        parts = self._run.manifest["parts"]
        return [p["name"] for p in parts if p["kind"] == Kind.GRIDDED and p["use"] == "emissions"]

    def _named(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows with what is known of their sources in place of positions."""
        parts: dict[int, pd.DataFrame] = {_POINTS: self.points.table, _GRIDDED: _gridded(self._gridded_parts())}
        for number in set(table["weights"].tolist()) - parts.keys():
            part = self._weights[number].part
            parts[number] = _described(part, self._run.sources(part))
        source, weights = table["source"].to_numpy(), table["weights"].to_numpy()
        out = pd.DataFrame(index=table.index, columns=list(SOURCE_COLUMNS), dtype=object)
        for number, known in parts.items():
            mine = weights == number
            out.loc[mine] = known.take(source[mine]).to_numpy(dtype=object)
        for name in SOURCE_COLUMNS[:-1]:
            out[name] = out[name].astype("str")
        out["supply_security"] = out["supply_security"].astype(bool)
        out["unit"] = table["unit"].to_numpy()
        out["species"] = np.array(self._emissions.species, dtype=object)[table["species_at"]]
        out["position"] = table.groupby(["unit", "species_at"]).cumcount().to_numpy() + 1
        out["sector"] = np.array([*self._run.sectors, ""], dtype=object)[table["sector_at"]]
        out["tier"] = np.array([str(t) for t in TIERS], dtype=object)[table["tier_at"]]
        out["mass_t"], out["share"] = table["mass_t"].to_numpy(), table["share"].to_numpy()
        return out[list(_COLUMNS)]


def _block(*columns: NDArray[Any]) -> pd.DataFrame:
    """Rows of contributors by positions; empty without columns."""
    names = ("unit", "species_at", "weights", "source", "sector_at", "tier_at")
    kinds = (np.int32, np.int8, np.int32, np.int32, np.int16, np.int8)
    given = columns or [np.zeros(0)] * 7
    rows = {n: np.asarray(c, k) for n, c, k in zip(names, given, kinds, strict=False)}
    return pd.DataFrame({**rows, "mass_t": np.asarray(given[6], np.float64)})


def _largest(block: pd.DataFrame, top: int) -> pd.DataFrame:
    """The rows of the largest mass of every unit and species, those first; equal ones by where they stand."""
    some = block[block["mass_t"] > 0]
    key = some["unit"].to_numpy(np.int64) << 8 | some["species_at"].to_numpy(np.int64)
    ties = (some["sector_at"], some["source"], some["weights"])
    order = np.lexsort((*ties, -some["mass_t"].to_numpy(), key))
    key = key[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    within = np.arange(len(key)) - np.repeat(first, np.diff(np.append(first, len(key))))
    return some.iloc[order[within < top]].reset_index(drop=True)


def _gridded(parts: list[str]) -> pd.DataFrame:
    """The one row, at its end, that stands for all gridded parts."""
    row = [" + ".join(parts), *[""] * (len(SOURCE_COLUMNS) - 2), False]
    return pd.DataFrame([row], columns=list(SOURCE_COLUMNS))


def _in_order(points: PointSources) -> PointSources:
    """The sources by cell, place and name, their amounts by mass: sums must not depend on the order of a file's rows."""
    table = points.table
    names = [np.unique(table[c].to_numpy(dtype=str), return_inverse=True)[1] for c in ("source_id", "part")]
    order = np.lexsort((*names, points.y, points.x, points.at))
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    source = place[points.source]
    entry = np.lexsort((points.mass_t, points.sector, points.species, source))
    return PointSources(
        table.iloc[order].reset_index(drop=True), points.x[order], points.y[order], points.at[order], source[entry],
        points.species[entry], points.sector[entry], points.mass_t[entry],
    )  # fmt: skip


def _described(part: str, frame: Any) -> pd.DataFrame:
    """The SOURCE_COLUMNS of a part's sources; what the part does not know is empty."""
    out = pd.DataFrame({"part": np.full(len(frame), part, dtype=object)})
    for name in SOURCE_COLUMNS[1:-1]:
        out[name] = frame[name].fillna("").astype(str).to_numpy() if name in frame.columns else ""
    if "supply_security" in frame.columns:
        secure = frame["supply_security"]
        out["supply_security"] = secure.astype(str).str.lower().isin(_YES).to_numpy(bool)
    else:
        out["supply_security"] = False
    return out
