"""Collections of a workspace: what each published result has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from weakref import WeakKeyDictionary

from gis.errors import NotFound
from gis.views.cellrows import RunCells
from gis.views.changes import open_changes
from gis.views.tablerows import TableRows
from gis.views.tables import open_table
from gis.views.titles import VALUES
from gis.workspace import Run, StoredComparison, StoredZoning
from service.features.collection import Collection, Kind
from service.features.crs import crs_of_grid, known_crs
from service.features.fields import fields_of
from service.features.heads import head_of
from service.features.rows import Rows
from service.library import ID, Library, Result

__all__ = ["collection_of", "collections_of"]


# Collections of a library; they go with it.
_KEPT: WeakKeyDictionary[Library, dict[str, Collection]] = WeakKeyDictionary()
_LOCK = Lock()


@dataclass(frozen=True, slots=True)
class _About:
    """What a kind of collection is called, what its features are, and which field names them."""

    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    geometry: str
    id_field: str


_ABOUT: Mapping[tuple[str, Kind], _About] = {
    ("r", Kind.CELLS): _About(
        "网格", "cells", "全部有效网格各年份的排放量与排放强度。", "Every cell of the domain in every year: amounts and densities.",
        "Polygon", "",
    ),
    ("r", Kind.SOURCES): _About(
        "排放源", "sources", "清单中的点源、线源与面源及其进入网格的排放量。",
        "Points, lines and areas of the inventory, with what of each lies in the grid.", "Geometry", "source",
    ),
    ("z", Kind.CELLS): _About(
        "热点网格", "hot cells", "达到热点或属于热点斑块的网格及其统计依据。",
        "Cells that are hot or part of a hotspot, with the evidence.",
        "Polygon", "cell",
    ),
    ("z", Kind.HOTSPOTS): _About(
        "热点斑块", "hotspots", "同类相连网格组成的热点，未经边界落地。", "Connected cells of one class, before snapping to borders.",
        "MultiPolygon", "patch",
    ),
    ("z", Kind.UNITS): _About(
        "管控单元", "control units", "边界落地后的协同管控单元。", "Control units, after snapping to borders.", "MultiPolygon", "unit"
    ),
    ("z", Kind.CONFLICTS): _About(
        "空间冲突", "conflicts", "位于生态保护红线或优先保护单元内的热点。", "Hotspots inside red lines and priority protection.",
        "MultiPolygon", "conflict",
    ),
    ("c", Kind.CHANGES): _About(
        "区划变化", "changes", "两个区划之间单元的沿革与网格类别的变化。", "What became of units, and cells whose class is not the same.",
        "Geometry", "id",
    ),
}  # fmt: skip


def collections_of(library: Library) -> list[Collection]:
    """All collections, those of zonings first, each newest first."""
    return [_collection(library, result, kind) for result in library.results() for kind in _kinds(result)]


def collection_of(library: Library, which: str) -> Collection:
    """The collection of an id such as ``z-0123456789ab.units``."""
    id_, dot, name = which.partition(".")
    if not dot or not ID.fullmatch(id_):
        raise NotFound(f"no collection {which[:60]!r}; ids look like z-0123456789ab.units")
    result = library.result(id_)
    kinds = _kinds(result)
    if name not in kinds:
        raise NotFound(f"{id_} has no collection {name[:40]!r}; it has {', '.join(f'{id_}.{k}' for k in kinds)}")
    return _collection(library, result, Kind(name))


def _kinds(result: Result) -> tuple[Kind, ...]:
    if isinstance(result, Run):
        return (Kind.CELLS, Kind.SOURCES) if result.parts else (Kind.CELLS,)
    if isinstance(result, StoredComparison):
        return (Kind.CHANGES,)
    return Kind.UNITS, Kind.HOTSPOTS, Kind.CELLS, Kind.CONFLICTS


def _collection(library: Library, result: Result, kind: Kind) -> Collection:
    with _LOCK:
        kept = _KEPT.setdefault(library, {})
    id_ = f"{result.id}.{kind}"
    if id_ not in kept:
        kept[id_] = _made(library, result, kind)
    return kept[id_]


def _made(library: Library, result: Result, kind: Kind) -> Collection:
    about = _ABOUT[result.id[0], kind]
    head = head_of(library.views, result, kind)
    years = _years(library, result)
    span_zh = f"{years[0]}年" if years[0] == years[1] else f"{years[0]}—{years[1]}年"
    span_en = f"{years[0]}" if years[0] == years[1] else f"{years[0]}-{years[1]}"
    return Collection(
        id=f"{result.id}.{kind}", result_id=result.id, kind=kind,
        title_zh=f"{result.name} {about.title_zh}({span_zh})", title_en=f"{result.name}: {about.title_en}, {span_en}",
        description_zh=about.text_zh, description_en=about.text_en, geometry_type=about.geometry, id_field=about.id_field,
        fields=fields_of(head.columns, _species(library, result), VALUES.get(kind, {})), grid=result.grid,
        crs=known_crs(result.grid), storage_crs=crs_of_grid(result.grid), bounds=head.bounds, years=years,
        number=head.number, created=result.created, needs_facilities=kind is Kind.SOURCES,
        open=lambda: _rows(library, result, kind, about.id_field),
    )  # fmt: skip


def _rows(library: Library, result: Result, kind: Kind, id_field: str) -> Rows:
    views_dir = library.views.directory
    if isinstance(result, Run) and kind is Kind.CELLS:
        return RunCells(result, library.views)
    if isinstance(result, StoredComparison):
        sides = library.zoning(result.a), library.zoning(result.b)
        return TableRows(open_changes(views_dir, result, *sides), result.grid, id_field)
    return TableRows(open_table(views_dir, result, kind), result.grid, id_field)


def _years(library: Library, result: Result) -> tuple[int, int]:
    if isinstance(result, Run):
        return result.years[0], result.years[-1]
    if isinstance(result, StoredZoning):
        return result.year, result.year
    found = sorted((library.zoning(result.a).year, library.zoning(result.b).year))
    return found[0], found[1]


def _species(library: Library, result: Result) -> dict[str, tuple[str, str]]:
    source: Result = library.zoning(result.a) if isinstance(result, StoredComparison) else result
    return {s["code"]: (s.get("name_zh") or s["name"], s["name"]) for s in source.manifest["species"]}
