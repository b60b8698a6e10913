"""Zonings as they are kept: tables as (Geo)Parquet, classes as rasters, and a manifest of what they came from.

The id holds the run, the year, the parameters, the rules and what the tables and rasters say. Names, times and versions are left
out, and so is the encoding of the objects: the same result computed with another version of a library is the same zoning.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from sqlalchemy import Connection, select

from gis.errors import CorruptObject, InvalidParameter, NotFound
from gis.exports.classes import encode_classes
from gis.exports.styles import colour_table
from gis.grid import Grid
from gis.workspace import catalogue as tables
from gis.workspace.catalogue import Catalogue
from gis.workspace.digests import plain_frame, table_digest
from gis.workspace.manifest import grid_entry, grid_of_entry, made_with, plain
from gis.workspace.objects import ObjectStore, Session
from gis.workspace.products import ZONINGS, Product, Record, publish_product, staged_tables
from gis.workspace.publish import COG
from gis.workspace.recording import Member
from gis.workspace.run import Run
from gis.zoning.classes import CellClass
from gis.zoning.ledger import check_zoning
from gis.zoning.model import TABLES, Zoning
from gis.zoning.parameters import Parameters

__all__ = ["StoredZoning", "publish_zoning", "zoning_identity"]

_FORMAT = "cozone-zoning-1"
_CLASS = "class"


class StoredZoning(Product):
    """A published zoning."""

    kind = ZONINGS

    @property
    def run_id(self) -> str:
        """The run it stands on."""
        return str(self.entry.columns["run"])

    @property
    def run_name(self) -> str:
        """Name of that run when the zoning was made."""
        return str(self.manifest["run"]["name"])

    @property
    def year(self) -> int:
        """The year."""
        return int(self.entry.columns["year"])

    @property
    def species(self) -> tuple[str, ...]:
        """Species codes, carbon first."""
        return tuple(self.entry.columns["species"])

    @property
    def unit_counts(self) -> dict[str, int]:
        """Number of units by class, the class of most weight first; reads no table."""
        counts: Mapping[str, int] = self.entry.columns["units"]
        return {c.code: counts.get(c.code, 0) for c in sorted(CellClass, reverse=True) if c}

    @cached_property
    def grid(self) -> Grid:
        """The grid."""
        return grid_of_entry(self.manifest["identity"]["grid"])

    @cached_property
    def parameters(self) -> Parameters:
        """The parameters, whole."""
        return Parameters.model_validate(self.manifest["identity"]["parameters"])

    @cached_property
    def rules(self) -> str:
        """Text of the rule file that drafted the access list."""
        return self.member_path("rules", "rules.toml").read_text("utf-8")

    @property
    def digests(self) -> dict[str, str]:
        """What the tables and rasters say, as SHA-256 by name (a raster's is ``raster:`` and its name)."""
        return dict(self.manifest["identity"]["content"])

    @property
    def rasters(self) -> tuple[str, ...]:
        """Names of the rasters: ``class`` and those the zoning came with."""
        return tuple(sorted(name for role, name in self.entry.members if role == "raster"))

    def raster_path(self, name: str = _CLASS) -> Path:
        """Path of a raster of classes, a Cloud-Optimized GeoTIFF."""
        return self.member_path("raster", name)

    def raster(self, name: str = _CLASS) -> NDArray[np.uint8]:
        """Values of a raster."""
        path = self.raster_path(name)
        try:
            with rasterio.open(path) as raster:
                values: NDArray[np.uint8] = raster.read(1)
        except RasterioError as error:
            raise CorruptObject(f"raster {name} of zoning {self.id} is not one GDAL can read: {error}") from error
        return values

    @cached_property
    def zoning(self) -> Zoning:
        """The zoning as it was published, with everything in it."""
        return Zoning(
            run_id=self.run_id, run_name=self.run_name, year=self.year, grid=self.grid, parameters=self.parameters,
            rules=self.rules, species=self.species, sectors=tuple(self.manifest["identity"]["sectors"]),
            tables=dict(self.tables), about=self.manifest["about"],
            rasters={name: self.raster(name) for name in self.rasters if name != _CLASS},
        )  # fmt: skip


def publish_zoning(
    store: ObjectStore, catalogue: Catalogue, run: Run, zoning: Zoning, *, name: str | None, label: str | None
) -> str:
    """Id of the zoning. Its ledger has to close and its run to be here; otherwise nothing is kept."""
    _check(run, zoning)
    frames = {n: plain_frame(zoning.tables[n], zoning.grid) for n in TABLES}
    rasters = {_CLASS: zoning.class_layer(), **zoning.rasters}
    content_hash = _content_hash(catalogue, run)
    identity = zoning_identity(zoning, run_hash=content_hash, frames=frames)
    counts = Counter(frames["units"]["class"].tolist())
    record = Record(
        identity=identity,
        manifest=_describe(run, zoning, frames),
        name=f"{run.name[:190]}-{zoning.year}",
        columns={"run": run.id, "year": zoning.year, "species": list(zoning.species), "units": dict(sorted(counts.items()))},
        stage=lambda session: _staged(session, zoning, frames, rasters),
        check=lambda connection: _still_there(connection, run, content_hash),
    )  # fmt: skip
    return publish_product(store, catalogue, ZONINGS, record, name=name, label=label)


def zoning_identity(
    zoning: Zoning, *, run_hash: str, frames: Mapping[str, pd.DataFrame] | None = None
) -> dict[str, Any]:
    """What makes a zoning this zoning. ``frames`` are its tables made plain, if they are at hand."""
    made = frames or {n: plain_frame(zoning.tables[n], zoning.grid) for n in TABLES}
    content = {n: table_digest(frame) for n, frame in made.items()}
    content |= {f"raster:{n}": _raster_digest(values) for n, values in zoning.rasters.items()}
    return {
        "format": _FORMAT,
        "run": {"id": zoning.run_id, "hash": run_hash},
        "year": zoning.year,
        "grid": grid_entry(zoning.grid),
        "parameters": plain(zoning.parameters.model_dump(mode="json")),
        "rules": hashlib.sha256(zoning.rules.encode()).hexdigest(),
        "species": list(zoning.species),
        "sectors": list(zoning.sectors),
        "content": content,
    }


def _check(run: Run, zoning: Zoning) -> None:
    if run.id != zoning.run_id:
        raise InvalidParameter(f"the zoning is of run {zoning.run_id}, not of {run.id}")
    if run.grid.content_hash != zoning.grid.content_hash:
        raise InvalidParameter(f"the zoning is on {zoning.grid!r}, and its run {run.id} on {run.grid!r}")
    check_zoning(zoning.tables["ledger"])


def _content_hash(catalogue: Catalogue, run: Run) -> str:
    with catalogue.reading() as connection:
        return _still_there(connection, run, None)


def _still_there(connection: Connection, run: Run, expected: str | None) -> str:
    """Whole content hash of the run; an error if it was deleted meanwhile."""
    found = connection.execute(select(tables.runs.c.content_hash).where(tables.runs.c.id == run.id)).scalar()
    if found is None or found != (expected or found):
        raise NotFound(f"run {run.id} was deleted from this workspace; a zoning is kept beside its run")
    return str(found)


def _describe(run: Run, zoning: Zoning, frames: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """The manifest around the identity: what a person or an auditor asks for."""
    source = run.manifest
    return {
        "run": {
            "id": run.id, "name": run.name, "inventory": source["inventory"], "title_zh": source["title_zh"],
            "title_en": source["title_en"], "source": source["source"], "licence": source["licence"],
            "years": list(run.years), "inputs": source["inputs"],
        },
        "species": [s for code in zoning.species for s in source["species"] if s["code"] == code],
        "sectors": [s for code in zoning.sectors for s in source["sectors"] if s["code"] == code],
        "regions": source["regions"],
        "seed": zoning.parameters.membership.seed,
        "unit": "t/yr",
        "tables": [
            {"name": n, "rows": len(frame), "geometry": "geometry" in frame.columns} for n, frame in frames.items()
        ],
        "about": plain(zoning.about),
        "made_with": made_with(),
    }  # fmt: skip


def _staged(
    session: Session, zoning: Zoning, frames: Mapping[str, pd.DataFrame], rasters: Mapping[str, NDArray[np.uint8]]
) -> Iterable[Member]:
    yield from staged_tables(session, frames)
    for name, values in rasters.items():
        metadata = {"year": str(zoning.year), "run": zoning.run_id, "values": _MEANINGS.get(name, name)}
        data = encode_classes(values, zoning.grid, colours=colour_table(name), metadata=metadata)
        yield Member("raster", name, session.stage(_writing(data), media_type=COG))
    yield Member("rules", "rules.toml", session.stage(_writing(zoning.rules.encode()), media_type="application/toml"))


def _writing(data: bytes) -> Any:
    return lambda file: file.write(data)


_MEANINGS = {
    _CLASS: ", ".join(f"{int(c)} {c.code}" for c in CellClass),
    "tier": "0 none, 1 clustered_core, 2 isolated_core, 3 fringe",
}


def _raster_digest(values: NDArray[np.uint8]) -> str:
    return hashlib.sha256(f"{values.shape}".encode() + np.ascontiguousarray(values).tobytes()).hexdigest()
