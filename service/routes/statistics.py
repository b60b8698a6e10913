"""Statistics: concentration, overlap, totals, series, thresholds, points, polygons, cells."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from gis.views.totals import By
from service.dependencies import CallerDep, LibraryDep, PoolDep, SettingsDep
from service.errors import TooLarge
from service.routes.answers import places, statistics
from service.routes.bodies import POLYGON_BODY
from service.routes.immutable import PROBLEMS, ImmutableRoute
from service.routes.parameters import Id, Least, LeastCells, Limit, ModeQuery, Offset, Share, Top, Year
from service.schemas.places import CellContributors, Point, Zonal
from service.schemas.statistics import Concentration, Overlap, Series, ThresholdAnswer, Totals

__all__ = ["router"]

router = APIRouter(prefix="/api/results/{id}", tags=["statistics"], responses=PROBLEMS, route_class=ImmutableRoute)
Lon = Annotated[
    float, Query(description="Longitude in degrees.", ge=-180, le=180, allow_inf_nan=False, examples=[123.4])
]
Lat = Annotated[float, Query(description="Latitude in degrees.", ge=-90, le=90, allow_inf_nan=False, examples=[32.3])]
RankBy = Annotated[str | None, Query(description="Species that orders the cells; left out: the first.", max_length=40)]
ByQuery = Annotated[By, Query(description="What the amounts are told apart by.")]
Key = Annotated[str | None, Query(description="Code of one unit or region.", min_length=1, max_length=100)]
CellId = Annotated[int, Path(description="Cell id, row-major from the north-west.", ge=0, lt=2**62)]
Ground = Annotated[
    bool, Query(description="Count a cell's mass on its ground inside the jurisdictions alone, as control units do.")
]


@router.get("/concentration")
async def concentration(
    id: Id, library: LibraryDep, pool: PoolDep, rank_by: RankBy = None, year: Year = None
) -> Concentration:
    """How much of every species the cells with the most of one species hold."""
    return await pool.run(statistics.concentration_answer, library, id, rank_by, year)


@router.get("/overlap")
async def overlap(
    id: Id, library: LibraryDep, pool: PoolDep, year: Year = None, share: Share = None, mode: ModeQuery = None
) -> Overlap:
    """How far the hot sets of every two species coincide: Jaccard, lift, capture; with their null where a zoning published it."""
    return await pool.run(statistics.overlap_answer, library, id, year, share, mode)


@router.get("/totals")
async def totals(
    id: Id,
    library: LibraryDep,
    pool: PoolDep,
    by: ByQuery = By.SECTOR,
    year: Year = None,
    limit: Limit = 1_000,
    offset: Offset = 0,
) -> Totals:
    """Amounts of a year by species, sector, tier, county, township, park or unit."""
    return await pool.run(statistics.totals_answer, library, id, by, year, limit, offset)


@router.get("/series")
async def series(id: Id, library: LibraryDep, pool: PoolDep, by: ByQuery = By.SPECIES, key: Key = None) -> Series:
    """Amounts over the years: of everything by species, sector or tier, or of one unit or region."""
    return await pool.run(statistics.series_answer, library, id, by, key)


@router.get("/threshold")
async def threshold(
    id: Id, library: LibraryDep, pool: PoolDep, year: Year = None, share: Share = None, mode: ModeQuery = None,
    min_pollutants: Least = None, min_cells: LeastCells = 1,
) -> ThresholdAnswer:  # fmt: skip
    """Cuts, and cells, area, patches, mass and what of it rests on proxies by class, at any threshold."""
    return await pool.run(
        statistics.threshold_answer,
        library,
        id,
        year,
        share=share,
        mode=mode,
        least=min_pollutants,
        min_cells=min_cells,
    )


@router.get("/point")
async def point(
    id: Id, library: LibraryDep, pool: PoolDep, caller: CallerDep, lon: Lon, lat: Lat, year: Year = None, top: Top = 10
) -> Point:
    """All that is known at a point: species, ranks, hot, evidence, membership, unit, regions, and who emits there."""
    return await pool.run(places.point_answer, library, id, caller, lon, lat, year, top)


@router.get("/cells/{cell}/contributors")
async def cell_contributors(
    id: Id, cell: CellId, library: LibraryDep, pool: PoolDep, caller: CallerDep, year: Year = None, top: Top = 10
) -> CellContributors:
    """Who stands behind a cell."""
    caller.need_facilities()
    return await pool.run(places.cell_answer, library, id, cell, year, top)


@router.post("/zonal", openapi_extra=POLYGON_BODY)
async def zonal(
    id: Id, request: Request, library: LibraryDep, pool: PoolDep, caller: CallerDep, settings: SettingsDep, year: Year = None,
    ground: Ground = False, top: Top = 10, share: Share = None, mode: ModeQuery = None, min_pollutants: Least = None,
    min_cells: LeastCells = 1,
) -> Zonal:  # fmt: skip
    """What lies in a posted polygon: amounts by species, sector and tier, area by class (published; at a threshold), who emits most."""
    body = await request.body()
    if len(body) > settings.body_bytes:
        raise TooLarge(f"a body has {settings.body_bytes:,} bytes at most here")
    threshold = places.Wanted(share, mode, min_pollutants, min_cells)
    return await pool.run(places.zonal_answer, library, id, caller, body, year, ground, top, threshold)
