"""Run: a published result, read when it is touched; every object is held against its name before it is believed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import xarray as xr
from numpy.typing import NDArray
from rasterio.errors import RasterioError

from gis.allocation.layers import lazy_layers
from gis.allocation.ledger import Ledger
from gis.errors import CorruptObject, InvalidParameter, NotFound
from gis.grid import Grid, Window
from gis.regions.model import RegionLayer, Regions
from gis.regions.roles import Role
from gis.workspace.lookups import StoredWeights, cells_of, contributors_of
from gis.workspace.manifest import grid_of_entry
from gis.workspace.objects import ObjectStore
from gis.workspace.tables import read_frame, read_geo

__all__ = ["LayerEntry", "Run", "RunEntry"]

# Rows read at once where only some cells are wanted: a row of a layer's tiles.
_STRIP = 512


@dataclass(frozen=True, slots=True)
class LayerEntry:
    """A stored layer: what it is of, its object, what it holds."""

    kind: str
    year: int
    species: str
    part: str
    hash: str
    sum_t: float
    max_t: float
    nonzero: int


@dataclass(frozen=True, slots=True)
class RunEntry:
    """What the catalogue says about a run; ``sizes`` are the bytes of its objects by hash."""

    id: str
    name: str
    label: str
    created: datetime
    grid: Mapping[str, Any]
    years: tuple[int, ...]
    species: tuple[str, ...]
    sectors: tuple[str, ...]
    manifest: str
    layers: tuple[LayerEntry, ...]
    members: Mapping[tuple[str, str], str]
    sizes: Mapping[str, int]


class Run:
    """A published run. Nothing is read before it is asked for, and nothing can be changed."""

    def __init__(self, entry: RunEntry, store: ObjectStore) -> None:
        self.entry = entry
        self._store = store
        self._layers = {(e.kind, e.year, e.species, e.part): e for e in entry.layers}

    def __repr__(self) -> str:
        return f"<Run {self.id} {self.name!r}: {len(self.keys())} layers, {self.grid!r}>"

    @property
    def id(self) -> str:
        """``r-`` and 12 hex digits of the content."""
        return self.entry.id

    @property
    def name(self) -> str:
        """Name given when it was published, else the inventory's."""
        return self.entry.name

    @property
    def label(self) -> str:
        """A remark, or an empty text."""
        return self.entry.label

    @property
    def created(self) -> datetime:
        """When it was published, in UTC."""
        return self.entry.created

    @property
    def years(self) -> tuple[int, ...]:
        """Years of the run."""
        return self.entry.years

    @property
    def species(self) -> tuple[str, ...]:
        """Species codes."""
        return self.entry.species

    @property
    def sectors(self) -> tuple[str, ...]:
        """Sector codes."""
        return self.entry.sectors

    @cached_property
    def grid(self) -> Grid:
        """The grid."""
        return grid_of_entry(self.entry.grid)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the run was made of and with."""
        found: dict[str, Any] = json.loads(self.object_path(self.entry.manifest).read_bytes())
        return found

    # -- objects --------------------------------------------------------------------------------------------------

    def object_path(self, hash_: str) -> Path:
        """Path of an object of this run, checked against its hash once per process."""
        return self._store.check(hash_, size=self.entry.sizes[hash_], owner=f"run {self.id}")

    def member_path(self, role: str, name: str) -> Path:
        """Path of an object by role and name."""
        if (role, name) not in self.entry.members:
            raise NotFound(f"run {self.id} has no {role} {name!r}; it has {', '.join(self.members(role)) or 'none'}")
        return self.object_path(self.entry.members[role, name])

    def members(self, role: str) -> tuple[str, ...]:
        """Names of the objects of a role, sorted."""
        return tuple(sorted(name for found, name in self.entry.members if found == role))

    # -- layers ---------------------------------------------------------------------------------------------------

    def keys(self) -> list[tuple[int, str, str]]:
        """Year, species and sector of every stored layer, in the order in which the run lists them."""
        found = [(e.year, e.species, e.part) for e in self.entry.layers if e.kind == "sector"]
        return sorted(found, key=lambda k: (self.years.index(k[0]), self.species.index(k[1]), self.sectors.index(k[2])))

    def tier_keys(self) -> list[tuple[int, str, str]]:
        """Year, species and tier of every stored tier layer."""
        return [(e.year, e.species, e.part) for e in self.entry.layers if e.kind == "tier"]

    def layer(self, year: int, species: str, sector: str) -> NDArray[np.float64]:
        """Amounts in t/yr per cell; zeros where the run has no such emissions."""
        return self.window(year, species, sector, None)

    def tier_layer(self, year: int, species: str, tier: str) -> NDArray[np.float64]:
        """Amounts in t/yr per cell that a tier placed."""
        self._known(year, species, None)
        return self._read(("tier", year, species, tier), None)

    def window(self, year: int, species: str, sector: str, window: Window | None) -> NDArray[np.float64]:
        """Amounts of a block of cells, None for all of them."""
        self._known(year, species, sector)
        return self._read(("sector", year, species, sector), window)

    def at_cells(self, kind: str, year: int, species: str, part: str, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """Amounts of a layer (kind "sector" or "tier", and which) in some cells, ids ascending; the layer is never held whole."""
        self._known(year, species, part if kind == "sector" else None)
        out = np.zeros(len(cells))
        if (kind, year, species, part) in self._layers:
            self._gather(self._layers[kind, year, species, part].hash, cells, out)
        return out

    def _gather(self, hash_: str, cells: NDArray[np.int64], out: NDArray[np.float64]) -> None:
        path = self.object_path(hash_)
        rows, cols = self.grid.shape
        block = np.empty((min(_STRIP, rows), cols))
        try:
            with rasterio.open(path, num_threads="2") as raster:
                for start in range(0, rows, _STRIP):
                    stop = min(start + _STRIP, rows)
                    a, b = np.searchsorted(cells, (start * cols, stop * cols))
                    if a < b:
                        strip = block[: stop - start]
                        raster.read(1, window=((start, stop), (0, cols)), out=strip)
                        np.take(strip.ravel(), cells[a:b] - start * cols, out=out[a:b], mode="clip")
        except RasterioError as error:
            raise CorruptObject(f"object {hash_} of run {self.id} is not a raster GDAL can read: {error}") from error

    def total(self, year: int, species: str) -> NDArray[np.float64]:
        """Amounts of a species over all sectors, t/yr per cell, summed in the order of the sectors."""
        self._known(year, species, None)
        out = np.zeros(self.grid.shape)
        for found_year, found_species, sector in self.keys():
            if (found_year, found_species) == (year, species):
                out += self.layer(year, species, sector)
        return out

    def layer_path(self, year: int, species: str, sector: str) -> Path:
        """Path of a stored layer, a Cloud-Optimized GeoTIFF."""
        key = ("sector", year, species, sector)
        if key not in self._layers:
            raise NotFound(f"run {self.id} holds no layer of {year} {species} {sector}")
        return self.object_path(self._layers[key].hash)

    @property
    def layers(self) -> xr.DataArray:
        """All layers, dimensions (year, species, sector, y, x), read where they are touched."""
        return lazy_layers(self.layer, self.years, self.species, self.sectors, self.grid)

    @cached_property
    def valid(self) -> NDArray[np.bool_]:
        """Cells of the domain: covered by half or more, or holding a source."""
        return self._raster(self.entry.members["valid", "valid"], None) > 0

    def _known(self, year: int, species: str, sector: str | None) -> None:
        asked = (("year", year, self.years), ("species", species, self.species), ("sector", sector, self.sectors))
        for what, value, known in asked:
            if value is not None and value not in known:
                raise InvalidParameter(f"{what} {value!r} is not in run {self.id}; it has {', '.join(map(str, known))}")

    def _read(self, key: tuple[str, int, str, str], window: Window | None) -> NDArray[np.float64]:
        if key not in self._layers:
            return np.zeros(self.grid.shape if window is None else window.shape)
        return self._raster(self._layers[key].hash, window)

    def _raster(self, hash_: str, window: Window | None) -> NDArray[np.float64]:
        path = self.object_path(hash_)
        try:
            with rasterio.open(path, num_threads="2") as raster:
                values: NDArray[np.float64] = raster.read(1, window=None if window is None else window.slices)
        except RasterioError as error:
            raise CorruptObject(f"object {hash_} of run {self.id} is not a raster GDAL can read: {error}") from error
        return values

    # -- tables ---------------------------------------------------------------------------------------------------

    @cached_property
    def ledger(self) -> Ledger:
        """Mass in and mass accounted for."""
        frames = {name: read_frame(self.member_path("ledger", name)) for name in ("table", "layers", "unread")}
        return Ledger(frames["table"], frames["layers"], frames["unread"])

    @cached_property
    def findings(self) -> pd.DataFrame:
        """What the checks found in the input."""
        return read_frame(self.member_path("findings", "findings"))

    def totals(self) -> pd.DataFrame:
        """Mass of every stored layer: year, species, sector, sum_t, max_t, nonzero; reads no layer."""
        return pd.DataFrame(
            [
                {
                    "year": e.year, "species": e.species, "sector": e.part, "sum_t": e.sum_t, "max_t": e.max_t,
                    "nonzero": e.nonzero,
                }
                for e in self.entry.layers
                if e.kind == "sector"
            ],
            columns=["year", "species", "sector", "sum_t", "max_t", "nonzero"],
        )  # fmt: skip

    def sources(self, part: str) -> gpd.GeoDataFrame:
        """Sources of a part with their geometry."""
        return read_geo(self.member_path("sources", part))

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts with point, line or area sources."""
        return self.members("sources")

    @cached_property
    def regions(self) -> Regions:
        """Region layers as they were read."""
        return Regions(
            tuple(
                RegionLayer(
                    Role(entry["role"]), read_geo(self.member_path("regions", entry["name"])), entry["version"],
                    entry["file"],
                )
                for entry in self.manifest["regions"]
            )
        )  # fmt: skip

    # -- provenance -----------------------------------------------------------------------------------------------

    @cached_property
    def weights(self) -> tuple[StoredWeights, ...]:
        """Weights of every part and policy, in the order of the allocation."""
        return tuple(StoredWeights(self, f"{i:03d}", entry) for i, entry in enumerate(self.manifest["weights"]))

    def contributors(
        self,
        cells: NDArray[np.int64] | list[int] | int,
        species: str,
        *,
        year: int | None = None,
        top: int | None = None,
    ) -> pd.DataFrame:
        """Sources behind the mass of a species in some cells, largest first."""
        self._known(self.years[0] if year is None else year, species, None)
        return contributors_of(self, np.unique(np.atleast_1d(np.asarray(cells, np.int64))), species, year=year, top=top)

    def cells(self, source_id: str, *, part: str | None = None) -> pd.DataFrame:
        """Where a source's mass goes: part, policy, cell, row, col, share, tier."""
        return cells_of(self, source_id, part=part)
