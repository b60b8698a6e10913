"""Units of a zoning, one of them, what it rests on; the tables of zonings and comparisons."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from gis.zoning.lineage import Relation
from service.dependencies import CallerDep, LibraryDep, PoolDep
from service.routes.answers import unitfiles, units
from service.routes.answers.unitfiles import TableForm
from service.routes.immutable import PROBLEMS, ImmutableRoute
from service.routes.parameters import Id, Limit, Offset, Top, UnitCode
from service.schemas.units import (
    Changes,
    Conflicts,
    Evidence,
    Jurisdictions,
    Rows,
    UnitContributors,
    UnitPage,
    Units,
    WantedClass,
)

__all__ = ["router"]

router = APIRouter(prefix="/api/results/{id}", tags=["units"], responses=PROBLEMS, route_class=ImmutableRoute)
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {form.media_type: {"schema": {"type": "string", "format": "binary"}} for form in TableForm},
    }
}
Search = Annotated[str | None, Query(description="Text in a code or a name.", min_length=1, max_length=100)]
Exactly = Annotated[str | None, Query(description="Only units with this value.", max_length=100)]
Sort = Annotated[
    str,
    Query(
        description="Field that orders the units, or `{species}_t`; a minus before it turns the order round.",
        pattern=r"^-?(rank|unit|name_zh|name_en|area_km2|score|membership|proxy_share|cells|[a-z0-9_]{1,40}_t)$",
        examples=["-area_km2"],
    ),
]
RelationQuery = Annotated[Relation | None, Query(description="Only pairs of this relation.")]
ClassChanged = Annotated[bool | None, Query(description="Only pairs whose class is (or is not) another one.")]
SideClass = Annotated[WantedClass | None, Query(alias="class", description="Only pairs with a unit of this class.")]
ClassQuery = Annotated[WantedClass | None, Query(alias="class", description="Only units of this class.")]


@router.get("/units")
async def list_units(
    id: Id, library: LibraryDep, pool: PoolDep, search: Search = None, wanted: ClassQuery = None, jurisdiction: Exactly = None,
    tier: Exactly = None, robustness: Exactly = None, proxy_led: bool | None = None, sort: Sort = "rank", limit: Limit = 100,
    offset: Offset = 0,
) -> Units:  # fmt: skip
    """Units without their polygons: searched, filtered, in any order, by pages."""
    exactly = _exactly(wanted, jurisdiction, tier, robustness, proxy_led)
    return await pool.run(
        units.units_answer, library, id, search=search, exactly=exactly, sort=sort, limit=limit, offset=offset
    )


@router.get("/units.{form}", response_class=FileResponse, responses=_FILE)
async def units_file(
    id: Id, form: TableForm, library: LibraryDep, pool: PoolDep, search: Search = None, wanted: ClassQuery = None,
    jurisdiction: Exactly = None, tier: Exactly = None, robustness: Exactly = None, proxy_led: bool | None = None,
    sort: Sort = "rank",
) -> Response:  # fmt: skip
    """All units of a list as a file: CSV for spreadsheets, without polygons, or a GeoPackage; searched, filtered and in order as there."""
    exactly = _exactly(wanted, jurisdiction, tier, robustness, proxy_led)
    made = await pool.run(unitfiles.units_file, library, id, form, search=search, exactly=exactly, sort=sort)
    return FileResponse(
        made.path, media_type=made.media_type, filename=made.name, background=BackgroundTask(made.directory.cleanup)
    )


def _exactly(
    wanted: WantedClass | None,
    jurisdiction: str | None,
    tier: str | None,
    robustness: str | None,
    proxy_led: bool | None,
) -> dict[str, str | bool | None]:
    return {
        "class": None if wanted is None else str(wanted), "jurisdiction": jurisdiction, "tier": tier, "robustness": robustness,
        "proxy_led": proxy_led,
    }  # fmt: skip


@router.get("/jurisdictions")
async def jurisdictions(id: Id, library: LibraryDep, pool: PoolDep) -> Jurisdictions:
    """Jurisdictions that have units, and how many of each class."""
    return await pool.run(units.jurisdictions_answer, library, id)


@router.get("/units/{unit}")
async def show_unit(id: Id, unit: UnitCode, library: LibraryDep, pool: PoolDep, caller: CallerDep) -> UnitPage:
    """A unit: fields, sectors, tiers, access list, conflicts, and for those who see facilities its contributors."""
    return await pool.run(units.unit_answer, library, id, unit, caller)


@router.get("/units/{unit}/evidence")
async def unit_evidence(id: Id, unit: UnitCode, library: LibraryDep, pool: PoolDep, caller: CallerDep) -> Evidence:
    """What a unit rests on: inputs with their hashes, parameters, every step with its numbers, the parts of its score."""
    return await pool.run(units.evidence_answer, library, id, unit, caller)


@router.get("/units/{unit}/contributors")
async def unit_contributors(
    id: Id, unit: UnitCode, library: LibraryDep, pool: PoolDep, caller: CallerDep, top: Top = 10
) -> UnitContributors:
    """The largest sources of a unit, species by species, as published."""
    caller.need_facilities()
    return await pool.run(units.contributors_answer, library, id, unit, top)


@router.get("/conflicts")
async def conflicts(id: Id, library: LibraryDep, pool: PoolDep, limit: Limit = 1_000, offset: Offset = 0) -> Conflicts:
    """Hotspots inside red lines and priority protection."""
    return await pool.run(units.conflicts_answer, library, id, limit, offset)


@router.get("/ledger")
async def ledger(id: Id, library: LibraryDep, pool: PoolDep, limit: Limit = 1_000, offset: Offset = 0) -> Rows:
    """The ledger: of a run, input against allocated, outside, unallocatable and superseded; of a zoning, where the input is."""
    return await pool.run(units.ledger_answer, library, id, limit, offset)


@router.get("/sensitivity")
async def sensitivity(id: Id, library: LibraryDep, pool: PoolDep, limit: Limit = 1_000, offset: Offset = 0) -> Rows:
    """Variants of share, mode and rule: cells, area and Jaccard against the base, class by class."""
    return await pool.run(units.table_answer, library, id, "sensitivity", limit, offset)


@router.get("/stability")
async def stability(id: Id, library: LibraryDep, pool: PoolDep, limit: Limit = 1_000, offset: Offset = 0) -> Rows:
    """Cells that are of a class in every variant, and in some."""
    return await pool.run(units.table_answer, library, id, "stability", limit, offset)


@router.get("/evidence")
async def evidence(id: Id, library: LibraryDep, pool: PoolDep, limit: Limit = 1_000, offset: Offset = 0) -> Rows:
    """Evidence by species: global statistics and counts of cells, with and without the mass that species share through a proxy."""
    return await pool.run(units.table_answer, library, id, "evidence", limit, offset)


@router.get("/notes")
async def notes(id: Id, library: LibraryDep, pool: PoolDep, limit: Limit = 1_000, offset: Offset = 0) -> Rows:
    """What has to be known about a zoning, in both languages."""
    return await pool.run(units.table_answer, library, id, "notes", limit, offset)


@router.get("/changes")
async def changes(
    id: Id, library: LibraryDep, pool: PoolDep, relation: RelationQuery = None, class_changed: ClassChanged = None,
    wanted: SideClass = None, search: Search = None, limit: Limit = 1_000, offset: Offset = 0,
) -> Changes:  # fmt: skip
    """What became of every unit between the two zonings of a comparison, with their names and the box around both."""
    return await pool.run(
        units.changes_answer, library, id, relation=relation, class_changed=class_changed, search=search,
        wanted=None if wanted is None else str(wanted), limit=limit, offset=offset,
    )  # fmt: skip


@router.get("/summary")
async def summary(id: Id, library: LibraryDep, pool: PoolDep) -> dict[str, list[dict[str, Any]]]:
    """A comparison in short: units by relation, what differs beforehand, Jaccard, classes, tonnes."""
    return await pool.run(units.comparison_rows, library, id)
