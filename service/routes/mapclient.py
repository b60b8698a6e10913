"""What a map client asks first: how the service is called, what lies below, which results there are."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter, Request, Response

from service.dependencies import CallerDep, LibraryDep, PoolDep, SettingsDep
from service.openapi.answers import answer
from service.routes.immutable import PROBLEMS, PlainRoute
from service.routes.results import line_of
from service.schemas.mapclient import Basemap, MapSettings, Newest
from service.schemas.results import Kind, ResultLine
from service.settings import Settings
from service.tiles.legends import LANGUAGES

__all__ = ["router"]

router = APIRouter(prefix="/api/map", tags=["results"], responses=PROBLEMS, route_class=PlainRoute)


@router.head("", include_in_schema=False)
@router.get("", response_model=MapSettings, responses={304: {"description": "What you have is still right."}})
async def map_settings(
    request: Request, library: LibraryDep, pool: PoolDep, settings: SettingsDep, caller: CallerDep
) -> Response:
    """Title, version, languages, base layer, whether you see facilities, and the results with the newest of each kind."""
    lines = await pool.run(lambda: [line_of(result) for result in library.results()])
    found = MapSettings(
        title=settings.title, version=version("cozone"), languages=list(LANGUAGES), facilities=caller.sees_facilities,
        basemap=_basemap(settings), newest=_newest(lines), results=lines,
    )  # fmt: skip
    private = "authorization" in request.headers
    return answer(request, found.model_dump_json().encode(), "application/json", private=private)


def _basemap(settings: Settings) -> Basemap | None:
    if settings.basemap_url is None:
        return None
    return Basemap(url=settings.basemap_url, title=settings.basemap_title, attribution=settings.basemap_attribution)


def _newest(lines: list[ResultLine]) -> Newest:
    first = {line.kind: line.id for line in reversed(lines)}
    return Newest(zoning=first.get(Kind.ZONING), run=first.get(Kind.RUN), comparison=first.get(Kind.COMPARISON))
