"""Origins: who stands behind the emissions of cells, from the weights of a run laid out for a look-up in microseconds.

Of every part under one policy two mapped tables are made: *entries* (cell, source, share, by cell) and *placed* (source, year, species,
sector, tier, mass, by source), and of every part what its sources are called; point parts have the places of their sources beside that.
A row of what is found is a source in a sector, as in ``Run.contributors``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from gis.allocation.tiers import TIERS, Tier
from gis.inventory.description import Kind
from gis.kernels.origins import add_shares
from gis.projection import project
from gis.views.files import Files, key_of
from gis.views.mapped import column, mapped
from gis.workspace import Run
from gis.workspace.lookups import StoredWeights
from gis.workspace.tables import read_entries, read_frame

__all__ = ["Contributor", "Found", "Origins", "largest"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
_NAMES = ("source_id", "name_zh", "name_en", "industry")
# Raise it whenever what a file holds changes.
_FORMAT = 1
# What is left of a cell after its sources belongs to gridded parts, unless it is only rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Contributor:
    """A source in a sector and what it emits in the cells asked for; gridded parts stand together, without an id."""

    part: str
    source_id: str
    name_zh: str
    name_en: str
    industry: str
    sector: str
    tier: str
    mass_t: float
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Amounts found, an entry a source and sector: position of the weights, source, species, sector, tier, mass in t/yr."""

    weights: NDArray[np.int32]
    source: NDArray[np.int32]
    species: NDArray[np.int8]
    sector: NDArray[np.int16]
    tier: NDArray[np.int8]
    mass_t: Floats

    @classmethod
    def joined(cls, parts: Sequence[Found]) -> Found:
        """All entries, in the order of the parts."""
        if not parts:
            byte, word = np.zeros(0, np.int8), np.zeros(0, np.int32)
            return cls(word, word, byte, np.zeros(0, np.int16), byte, np.zeros(0))
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in cls.__slots__))

    def at(self, positions: Whole) -> Found:
        """The entries at some positions."""
        return Found(*(getattr(self, name)[positions] for name in self.__slots__))

    def scaled(self, by: Floats) -> Found:
        """The same entries, the mass of each multiplied."""
        return Found(self.weights, self.source, self.species, self.sector, self.tier, self.mass_t * by)

    def sums(self, species: int, sectors: int) -> Floats:
        """Mass by species and sector."""
        key = self.species.astype(np.int64) * sectors + self.sector
        summed: Floats = np.bincount(key, self.mass_t, species * sectors).astype(np.float64)
        return summed.reshape(species, sectors)

    def by_tier(self, species: int) -> Floats:
        """Mass by species and tier."""
        key = self.species.astype(np.int64) * len(TIERS) + self.tier
        summed: Floats = np.bincount(key, self.mass_t, species * len(TIERS)).astype(np.float64)
        return summed.reshape(species, len(TIERS))


class Origins:
    """The origins of a run. What is not yet laid out is made when it is first asked for, once for all processes."""

    def __init__(self, files: Files, run: Run) -> None:
        self.run = run
        self._files = files

    @cached_property
    def gridded(self) -> str:
        """Names of the gridded parts that emit, or an empty text."""
        parts = self.run.manifest["parts"]
        return " + ".join(p["name"] for p in parts if p["kind"] == Kind.GRIDDED and p["use"] == "emissions")

    @property
    def gridded_tier(self) -> int:
        """Position of the tier that gridded parts count as: their patterns are proxies."""
        return TIERS.index(Tier.SURROGATE)

    def beyond(self, held_t: float, beside_t: float) -> float:
        """What gridded parts hold: a whole less what sources have of it, unless it is only rounding."""
        left = held_t - beside_t
        return left if self.gridded and left > _ROUNDING * held_t else 0.0

    @cached_property
    def _laid(self) -> tuple[_Laid, ...]:
        return tuple(_Laid(self._files, i, weights, self.run) for i, weights in enumerate(self.run.weights))

    def prepare(self) -> None:
        """Make every table that is not there."""
        for laid in self._laid:
            laid.entries, laid.placed, laid.names  # noqa: B018  # touched, they are made
            if laid.weights.kind is Kind.POINT:
                laid.places  # noqa: B018

    def at_cell(self, cell: int, year: int) -> Found:
        """What every source emits in one cell."""
        return Found.joined([found for laid in self._laid if (found := laid.at_cell(cell, year)) is not None])

    def in_cells(self, cells: Whole, fraction: Floats, year: int, *, points: bool = True) -> Found:
        """What every source emits in cells (ascending), each taken by its fraction; without ``points``, lines and areas only."""
        wanted = [laid for laid in self._laid if points or laid.weights.kind is not Kind.POINT]
        return Found.joined([laid.in_cells(cells, fraction, year) for laid in wanted])

    def points_in(self, cells: Whole, year: int) -> tuple[Found, Floats, Floats, Whole]:
        """Points that stand in cells (ascending): what each emits, an entry an amount, with its x, y and cell."""
        found = [laid.points_in(cells, year) for laid in self._laid if laid.weights.kind is Kind.POINT]
        empty = np.zeros(0)
        x, y = (np.concatenate([empty, *(f[i] for f in found)]) for i in (1, 2))
        cell = np.concatenate([np.zeros(0, np.int64), *(f[3] for f in found)])
        return Found.joined([f[0] for f in found]), x, y, cell

    def named(self, found: Found, total_t: Floats, *, top: int | None) -> dict[str, list[Contributor]]:
        """Contributors by species, largest first; ``total_t`` is what the cells hold of each species, gridded parts included."""
        out = {}
        for s, code in enumerate(self.run.species):
            mine = np.flatnonzero((found.species == s) & (found.mass_t > 0))
            held = float(found.mass_t[mine].sum())
            gridded = self.beyond(float(total_t[s]), held)
            out[code] = self._rows(found, largest(found.mass_t, mine, top), held + gridded, gridded, top)
        return out

    def _rows(self, found: Found, at: Whole, whole_t: float, gridded_t: float, top: int | None) -> list[Contributor]:
        rows = []
        for number in np.unique(found.weights[at]).tolist():
            rows += self._laid[number].named(found, at[found.weights[at] == number], whole_t)
        if gridded_t > 0:
            tier = str(TIERS[self.gridded_tier])
            rows.append(Contributor(self.gridded, "", "", "", "", "", tier, gridded_t, gridded_t / whole_t))
        rows.sort(key=lambda r: (-r.mass_t, r.part, r.source_id))
        return rows[:top]


def largest(mass_t: Floats, at: Whole, top: int | None) -> Whole:
    """The entries, among those at some positions, of the largest mass; equals of the last one are all in."""
    if top is None or len(at) <= top:
        return at
    least = np.partition(mass_t[at], len(at) - top)[len(at) - top]
    kept: Whole = at[mass_t[at] >= least]
    return kept


class _Laid:
    """The tables of one part under one policy."""

    def __init__(self, files: Files, number: int, weights: StoredWeights, run: Run) -> None:
        self.weights = weights
        self._files = files
        self._number = number
        self._run = run

    # -- tables -----------------------------------------------------------------------------------------------------

    @cached_property
    def entries(self) -> tuple[Whole, NDArray[np.int32], Floats]:
        """Cell, source and share of every entry, by cell."""
        table = self._mapped("weights-by-cell", "entries", self._entries)
        return column(table, "cell"), column(table, "source"), column(table, "share")

    def _entries(self) -> pa.Table:
        table = read_entries(self._path("weights-by-cell"))
        return pa.table(
            {
                "cell": table["cell"], "source": table["source"].cast(pa.int32()), "share": table["share"],
            }
        )  # fmt: skip

    @cached_property
    def placed(self) -> Mapping[str, NDArray[Any]]:
        """What was placed, columns source, year, species, sector, tier, mass_t (positions), by source."""
        table = self._mapped("amounts", "placed", self._placed)
        return {name: column(table, name) for name in table.column_names}

    def _placed(self) -> pa.Table:
        frame = read_frame(self._path("amounts"))
        frame["mass_t"] -= frame.pop("taken_t")
        frame = frame[frame["mass_t"] > 0].sort_values(["source", "year", "species", "sector"], kind="stable")
        tier = self.weights.rest["tier"].to_numpy()[frame["source"].to_numpy()]
        kinds = {"source": np.int32, "year": np.int16, "species": np.int8, "sector": np.int16, "mass_t": np.float64}
        columns = {name: frame[name].to_numpy().astype(kind) for name, kind in kinds.items()}
        return pa.table({**columns, "tier": tier.astype(np.int8)})

    @cached_property
    def names(self) -> pa.Table:
        """What the sources of the part are called, in their order."""
        return self._mapped("sources", "names", self._names)

    def _names(self) -> pa.Table:
        frame = pd.DataFrame(self._run.sources(self.weights.part).drop(columns="geometry"))
        none = np.full(len(frame), "", object)
        texts = {n: frame[n].fillna("").astype(str).to_numpy(object) if n in frame else none for n in _NAMES}
        return pa.table({name: pa.array(values, pa.string()) for name, values in texts.items()})

    @cached_property
    def places(self) -> tuple[Floats, Floats]:
        """X and y of the part's points in the grid's CRS, in the order of the sources."""
        table = self._mapped("sources", "places", self._places)
        return column(table, "x"), column(table, "y")

    def _places(self) -> pa.Table:
        points = self._run.sources(self.weights.part).geometry
        x, y = points.x.to_numpy(np.float64), points.y.to_numpy(np.float64)
        if points.crs != self._run.grid.crs:
            x, y = project(points.crs, self._run.grid.crs, x, y)
        return pa.table({"x": x, "y": y})

    def _mapped(self, role: str, what: str, make: Callable[[], pa.Table]) -> pa.Table:
        """A table kept under the hash of the object that it is made from, and of the grid that places are in."""
        name = self.weights.part if role == "sources" else f"{self._number:03d}"
        rest = self._run.entry.members["weights-rest", f"{self._number:03d}"]
        key = key_of(what, self._run.entry.members[role, name], rest, self._run.grid.content_hash, _FORMAT)
        return mapped(self._files, f"origins/{key}.arrow", make)

    def _path(self, role: str) -> Path:
        return self._run.member_path(role, f"{self._number:03d}")

    # -- look-ups ---------------------------------------------------------------------------------------------------

    def at_cell(self, cell: int, year: int) -> Found | None:
        """What the sources emit in one cell; None where none has a share in it."""
        cells, sources, shares = self.entries
        start = int(np.searchsorted(cells, cell))
        stop = int(np.searchsorted(cells, cell, side="right"))
        if start == stop:
            return None
        return self._of(sources[start:stop], shares[start:stop], year)

    def in_cells(self, cells: Whole, fraction: Floats, year: int) -> Found:
        """What the sources emit in cells, each taken by its fraction."""
        whole = np.zeros(len(self.names))
        add_shares(*self.entries, np.ascontiguousarray(cells, np.int64), np.ascontiguousarray(fraction), whole)
        some = np.flatnonzero(whole > 0).astype(np.int32)
        return self._of(some, whole[some], year)

    def points_in(self, cells: Whole, year: int) -> tuple[Found, Floats, Floats, Whole]:
        """Amounts of the points in cells, and x, y and cell of each amount's point."""
        every, sources, shares = self.entries
        low, high = np.searchsorted(every, cells), np.searchsorted(every, cells, side="right")
        at, _ = _flat(low, high)
        order = np.argsort(sources[at], kind="stable")
        at = at[order]
        found = self._of(sources[at], shares[at], year)
        owner = at[np.searchsorted(sources[at], found.source)] if len(found.source) else at[:0]
        x, y = self.places
        return found, x[found.source], y[found.source], every[owner]

    def _of(self, source: NDArray[np.int32], share: Floats, year: int) -> Found:
        """Amounts of a year of sources, each taken by its share."""
        placed = self.placed
        first = np.searchsorted(placed["source"], source)
        last = np.searchsorted(placed["source"], source, side="right")
        at, owner = _flat(first, last)
        mine = placed["year"][at] == self._run.years.index(year)
        at, owner = at[mine], owner[mine]
        return Found(
            np.full(len(at), self._number, np.int32), source[owner], placed["species"][at], placed["sector"][at],
            placed["tier"][at], placed["mass_t"][at] * share[owner],
        )  # fmt: skip

    def named(self, found: Found, at: Whole, whole_t: float) -> list[Contributor]:
        """Contributors at positions of what was found."""
        names = self.names.take(pa.array(found.source[at])).to_pydict()
        return [
            Contributor(
                part=self.weights.part, **{n: names[n][k] for n in _NAMES}, sector=self._run.sectors[int(found.sector[i])],
                tier=str(TIERS[int(found.tier[i])]), mass_t=float(found.mass_t[i]), share=float(found.mass_t[i]) / whole_t,
            )
            for k, i in enumerate(at.tolist())
        ]  # fmt: skip


def _flat(low: NDArray[np.integer[Any]], high: NDArray[np.integer[Any]]) -> tuple[Whole, Whole]:
    """All positions from low to high of every row, and the row of each."""
    count = (high - low).astype(np.int64)
    owner = np.repeat(np.arange(len(count)), count)
    before = np.cumsum(count) - count
    return np.arange(len(owner)) - before[owner] + low[owner], owner
