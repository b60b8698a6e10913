"""Publish: an allocation becomes immutable objects, and then, in one catalogue transaction, a run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select, update

from gis.allocation.placement import Placement
from gis.errors import LedgerOpen, RefusedInput, StorageError
from gis.exports.cog import LayerStatistics, encode_cog
from gis.grid import Grid
from gis.inventory.model import InputFile, SourcePart
from gis.workspace import catalogue as tables
from gis.workspace.catalogue import Catalogue
from gis.workspace.manifest import canonical_json, describe_run, grid_entry, identity, run_id
from gis.workspace.objects import ObjectStore, Session, Staged
from gis.workspace.recording import Member, check_name, damaged, insert_objects, point_latest
from gis.workspace.tables import PARQUET, frame_writer, geo_writer, weights_writer

if TYPE_CHECKING:
    from gis.allocation.allocate import Allocation

__all__ = ["Progress", "publish"]

Progress = Callable[[str, int, int], None]
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
_WRITERS = 2
_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer as staged. ``kind`` and ``part`` are "sector" and its code, or "tier" and its name."""

    kind: str
    year: int
    species: str
    part: str
    staged: Staged
    statistics: LayerStatistics


def publish(
    store: ObjectStore,
    catalogue: Catalogue,
    allocation: Allocation,
    *,
    name: str | None,
    label: str | None,
    progress: Progress | None,
) -> str:
    """Id of the run. The ledger has to close, in the weights and in the layers as written; otherwise nothing is kept."""
    check_name(name, "run")
    with catalogue.writing():
        store.sweep()
        session = store.open_session()
    try:
        with ThreadPoolExecutor(_WRITERS) as pool:
            writing = _Writing(session, pool)
            layers = list(_layers(allocation, writing, progress))
            for layer in layers:
                if layer.kind == "sector":
                    allocation.record_sum(layer.year, layer.species, layer.part, layer.statistics.sum_t)
            allocation.ledger.check(_TOLERANCE)
            _check_written(allocation, layers)
            members = list(_members(allocation, writing))
        return _record(store, catalogue, session, allocation, layers, members, name, label)
    finally:
        session.close()


class _Writing:
    """Staging on a few threads. At most that many layers wait to be written, whatever the size of the run."""

    def __init__(self, session: Session, pool: ThreadPoolExecutor) -> None:
        self.session = session
        self._pool = pool

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        return self._pool.submit(work, *args)

    def object(self, role: str, name: str, write: Callable[[Any], Any], media_type: str) -> Future[Member]:
        return self._pool.submit(lambda: Member(role, name, self.session.stage(write, media_type=media_type)))


# -- layers -----------------------------------------------------------------------------------------------------------


def _layers(allocation: Allocation, writing: _Writing, progress: Progress | None) -> Iterator[_Layer]:
    """Every layer, staged, in the order of the keys; the next one is worked out while the last ones are written."""
    wanted = [("sector", *key) for key in allocation.keys()] + [("tier", *key) for key in allocation.tier_keys()]
    waiting: deque[Future[_Layer]] = deque()
    try:
        for done, (kind, year, species, part) in enumerate(wanted):
            if progress is not None:
                progress("layers", done, len(wanted))
            make = allocation.layer if kind == "sector" else allocation.tier_layer
            waiting.append(writing.submit(_stage_layer, writing.session, allocation, make(year, species, part),
                                          (kind, year, species, part)))  # fmt: skip
            if len(waiting) > _WRITERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
    if progress is not None:
        progress("layers", len(wanted), len(wanted))


def _stage_layer(
    session: Session, allocation: Allocation, values: NDArray[np.float64], key: tuple[str, int, str, str]
) -> _Layer:
    kind, year, species, part = key
    basis = next(s.basis for s in allocation.inventory.species if s.code == species)
    metadata = {
        "species": species, "species_basis": basis, "year": str(year), kind: part, "unit": "t/yr per cell",
        "grid": allocation.grid.content_hash, "ellipsoid": _ellipsoid(allocation.grid),
    }  # fmt: skip
    statistics, chunks = encode_cog(values, allocation.grid, metadata=metadata)
    staged = session.stage(lambda file: [file.write(chunk) for chunk in chunks], media_type=COG)
    return _Layer(kind, year, species, part, staged, statistics)


def _ellipsoid(grid: Grid) -> str:
    a_m, e2 = grid.ellipsoid
    return f"a = {a_m!r} m, e2 = {e2!r}"


def _check_written(allocation: Allocation, layers: list[_Layer]) -> None:
    """The sums of the layers as encoded against the ledger's; the tiers against the sectors."""
    ledger = allocation.ledger.layers
    written = {(w.year, w.species, w.part): w.statistics.sum_t for w in layers if w.kind == "sector"}
    expected = zip(ledger["year"], ledger["species"], ledger["sector"], ledger["allocated_t"], strict=True)
    for year, species, sector, allocated_t in expected:
        found_t = written.get((year, species, sector), 0.0)
        _same(found_t, allocated_t, f"layer {year} {species} {sector} as written")
    for (year, species), group in ledger.groupby(["year", "species"]):
        tiers = [w.statistics.sum_t for w in layers if (w.kind, w.year, w.species) == ("tier", year, species)]
        _same(sum(tiers), group["allocated_t"].sum(), f"tiers of {year} {species} as written")


def _same(found: float, expected: float, what: str) -> None:
    if not abs(found - expected) <= _TOLERANCE * (abs(expected) or 1.0):
        raise LedgerOpen(f"{what}: {found!r} t, the ledger says {expected!r} t; nothing was published")


# -- everything else --------------------------------------------------------------------------------------------------


def _members(allocation: Allocation, writing: _Writing) -> Iterator[Member]:
    inventory = allocation.inventory
    futures = [writing.submit(_stage_layer_of_validity, writing.session, allocation.valid, allocation.grid)]
    futures += [writing.submit(_stage_input, writing.session, file) for file in inventory.inputs]
    text = inventory.path.read_bytes()
    futures.append(
        writing.object("description", inventory.path.name, lambda file: file.write(text), "application/toml")
    )
    for i, placement in enumerate(allocation.placements):
        futures += _weights(f"{i:03d}", placement, writing)
    futures += [
        writing.object("sources", part.name, geo_writer(_sources(part)), PARQUET)
        for part in inventory.parts
        if isinstance(part, SourcePart)
    ]
    futures += [
        writing.object("regions", f"{i:03d}", geo_writer(layer.frame), PARQUET)
        for i, layer in enumerate(inventory.regions)
    ]
    ledger = allocation.ledger
    frames = {"table": ledger.table, "layers": ledger.layers, "unread": ledger.unread}
    futures += [writing.object("ledger", n, frame_writer(f), PARQUET) for n, f in frames.items()]
    futures.append(writing.object("findings", "findings", frame_writer(_texts(inventory.findings.frame())), PARQUET))
    return (future.result() for future in futures)


def _stage_layer_of_validity(session: Session, valid: NDArray[np.bool_], grid: Grid) -> Member:
    _, chunks = encode_cog(valid.astype(np.float64), grid, metadata={"valid": "1 in the domain, 0 elsewhere"})
    staged = session.stage(lambda file: [file.write(chunk) for chunk in chunks], media_type=COG)
    return Member("valid", "valid", staged)


def _stage_input(session: Session, file: InputFile) -> Member:
    try:
        staged = session.stage_copy(file.path, media_type="application/octet-stream")
    except FileNotFoundError as error:
        raise StorageError(f"{file.path}: was read as input and is gone now; nothing was published") from error
    if staged.hash != file.sha256:
        raise RefusedInput(f"{file.path}: was changed after it was read; nothing was published. Run again.")
    return Member("input", file.name, staged)


def _weights(name: str, placement: Placement, writing: _Writing) -> list[Future[Member]]:
    shares, turned = placement.weights.shares, placement.weights.by_cell
    by_source = weights_writer(
        order="source", indptr=shares.indptr.astype(np.int64), ids=None, other=shares.indices, share=shares.data
    )
    by_cell = weights_writer(
        order="cell", indptr=turned.indptr, ids=turned.cells, other=turned.source, share=turned.share
    )
    return [
        writing.object("weights-by-source", name, by_source, PARQUET),
        writing.object("weights-by-cell", name, by_cell, PARQUET),
        writing.object("weights-rest", name, frame_writer(_rest(placement)), PARQUET),
        writing.object("amounts", name, frame_writer(_amounts(placement)), PARQUET),
    ]


def _rest(placement: Placement) -> pd.DataFrame:
    w = placement.weights
    return pd.DataFrame(
        {
            "used": w.used, "outside": w.outside, "superseded": w.superseded, "unallocatable": w.unallocatable,
            "served": w.served, "tier": w.tier,
        }
    )  # fmt: skip


def _amounts(placement: Placement) -> pd.DataFrame:
    """Amounts by position of year, species and sector; what is placed is mass_t - taken_t."""
    keys = np.empty((len(placement.source), 3), np.int16)
    for key, span in placement.slices.items():
        keys[span] = key
    return pd.DataFrame(
        {
            "year": keys[:, 0], "species": keys[:, 1], "sector": keys[:, 2], "source": placement.source,
            "mass_t": placement.mass_t, "taken_t": placement.taken_t,
        }
    )  # fmt: skip


def _sources(part: SourcePart) -> gpd.GeoDataFrame:
    geometry = gpd.GeoSeries(part.geometry.to_numpy(), crs=part.crs)
    return gpd.GeoDataFrame(_texts(part.sources.reset_index(drop=True)), geometry=geometry)


def _texts(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with columns of mixed objects as text, which Parquet needs."""
    mixed = [c for c in frame.columns if frame[c].dtype == object]
    return frame.assign(**{c: frame[c].map(lambda v: "" if v is None else str(v)).astype("str") for c in mixed})


# -- the transaction --------------------------------------------------------------------------------------------------


def _record(
    store: ObjectStore,
    catalogue: Catalogue,
    session: Session,
    allocation: Allocation,
    layers: list[_Layer],
    members: list[Member],
    name: str | None,
    label: str | None,
) -> str:
    content = identity(
        allocation,
        inputs=[(m.name, m.staged.hash) for m in members if m.role == "input"],
        layers=[(w.kind, w.year, w.species, w.part, w.staged.hash) for w in layers],
        description=next(m.staged.hash for m in members if m.role == "description"),
        valid=next(m.staged.hash for m in members if m.role == "valid"),
    )
    run, digest = run_id(content)
    text = canonical_json(describe_run(allocation, content))
    manifest = session.stage(lambda file: file.write(text), media_type="application/json")
    everything = [manifest, *(w.staged for w in layers), *(m.staged for m in members)]
    with catalogue.writing() as connection:
        found = connection.execute(select(tables.runs.c.content_hash).where(tables.runs.c.id == run)).scalar()
        if found is not None and found != digest:
            raise StorageError(f"run {run} exists with other content; delete it before publishing this one")
        if found is None:
            store.keep(everything)
            insert_objects(connection, everything)
            _insert_run(connection, allocation, run, digest, manifest.hash, name, label)
            _insert_members(connection, run, layers, members)
        else:
            # The run is there already: what of it was damaged since is mended, the rest is not touched.
            store.keep(damaged(store, connection, everything, f"run {run}"))
            named = {k: v for k, v in (("name", name), ("label", label)) if v is not None}
            if named:
                connection.execute(update(tables.runs).where(tables.runs.c.id == run).values(named))
        point_latest(connection, "run", run)
    return run


def _insert_run(
    connection: Connection,
    allocation: Allocation,
    run: str,
    digest: str,
    manifest: str,
    name: str | None,
    label: str | None,
) -> None:
    connection.execute(
        insert(tables.runs).values(
            id=run,
            name=name or allocation.inventory.name,
            label=label or "",
            created=datetime.now(UTC),
            content_hash=digest,
            manifest=manifest,
            grid=grid_entry(allocation.grid),
            grid_hash=allocation.grid.content_hash,
            years=list(allocation.years),
            species=list(allocation.species),
            sectors=list(allocation.sectors),
        )
    )


def _insert_members(connection: Connection, run: str, layers: list[_Layer], members: list[Member]) -> None:
    rows: list[dict[str, Any]] = [
        {
            "run": run, "kind": w.kind, "year": w.year, "species": w.species, "part": w.part, "hash": w.staged.hash,
            "sum_t": w.statistics.sum_t, "max_t": w.statistics.max_t, "nonzero": w.statistics.nonzero,
        }
        for w in layers
    ]  # fmt: skip
    if rows:
        connection.execute(insert(tables.layers), rows)
    rows = [{"run": run, "role": m.role, "name": m.name, "hash": m.staged.hash} for m in members]
    connection.execute(insert(tables.run_objects), rows)
