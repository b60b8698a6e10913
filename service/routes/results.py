"""Results: the list, one of them, its manifest, and its files."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.responses import FileResponse

from gis.views.downloads import Download, downloads, file_of
from gis.views.places import extent
from gis.workspace import Run, StoredComparison, StoredZoning
from gis.workspace.manifest import grid_entry
from service.dependencies import CallerDep, LibraryDep, PoolDep, base_url
from service.library import Library
from service.library import Result as Published
from service.routes.immutable import PROBLEMS, ImmutableRoute, PlainRoute
from service.routes.parameters import Id
from service.schemas.base import Texts
from service.schemas.results import File, Files, Kind, Result, ResultLine, ResultList

__all__ = ["line_of", "router"]

_plain = APIRouter(prefix="/api/results", tags=["results"], responses=PROBLEMS, route_class=PlainRoute)
_kept = APIRouter(prefix="/api/results", tags=["results"], responses=PROBLEMS, route_class=ImmutableRoute)
router = APIRouter()
FileName = Annotated[str, Path(description="Name of the file, as the list has it.", pattern=r"^[A-Za-z0-9._-]{1,120}$")]
_STATISTICS = ("concentration", "overlap", "totals", "series", "threshold", "point", "zonal")
_OF_ZONING = (
    "units",
    "units.csv",
    "units.gpkg",
    "jurisdictions",
    "conflicts",
    "sensitivity",
    "stability",
    "ledger",
    "notes",
    "evidence",
)
_OF_COMPARISON = ("changes", "summary")


@_plain.get("")
async def list_results(
    library: LibraryDep,
    pool: PoolDep,
    kind: Annotated[Kind | None, Query(description="Only results of this kind.")] = None,
) -> ResultList:
    """All results, newest first within each kind."""
    found = await pool.run(library.results)
    lines = [line_of(result) for result in found]
    return ResultList(results=[line for line in lines if kind in (None, line.kind)])


@_kept.get("/{id}")
async def show_result(id: Id, request: Request, library: LibraryDep, pool: PoolDep) -> Result:
    """One result: what it is, what it was made of and with, and where to go on."""
    return await pool.run(_summary, library, id, base_url(request))


@_kept.get("/{id}/manifest")
async def show_manifest(id: Id, library: LibraryDep, pool: PoolDep) -> dict[str, Any]:
    """The manifest, whole."""
    return await pool.run(lambda: library.result(id).manifest)


@_kept.get("/{id}/files")
async def list_files(id: Id, request: Request, library: LibraryDep, pool: PoolDep) -> Files:
    """The files of a result."""
    return await pool.run(_files, library, id, base_url(request))


@_kept.head("/{id}/files/{name}", include_in_schema=False)
@_kept.get(
    "/{id}/files/{name}",
    response_class=FileResponse,
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "The file."},
        206: {"content": {"application/octet-stream": {}}, "description": "The range of it that was asked for."},
        416: {"description": "It has no such range."},
    },
)
async def get_file(id: Id, name: FileName, library: LibraryDep, pool: PoolDep, caller: CallerDep) -> Response:
    """A file, or a range of it. Exports and reports are made when they are first asked for."""
    found = file_of(library.views, library.result(id), _run_of(library, id), name)
    if found.facilities:
        caller.need_facilities()
    path = await pool.run(found.path)
    return FileResponse(path, media_type=found.media_type, filename=_download_name(id, found.name))


def _download_name(id_: str, name: str) -> str:
    return name if name.startswith(id_) else f"{id_}-{name}"


def line_of(result: Published) -> ResultLine:
    """A result in one line."""
    return ResultLine(**_line_fields(result))


def _line_fields(result: Published) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": result.id, "name": result.name, "label": result.label, "created": result.created, "species": list(result.species),
    }  # fmt: skip
    if isinstance(result, Run):
        return {**fields, "kind": "run", "years": list(result.years)}
    if isinstance(result, StoredZoning):
        return {**fields, "kind": "zoning", "years": [result.year], "run": result.run_id, "units": result.unit_counts}
    sides = result.manifest["identity"]["sides"]
    return {
        **fields,
        "kind": "comparison",
        "years": [sides["a"]["year"], sides["b"]["year"]],
        "a": result.a,
        "b": result.b,
    }


def _summary(library: Library, id_: str, base: str) -> Result:
    result = library.result(id_)
    run = _run_of(library, id_)
    manifest = {k: v for k, v in result.manifest.items() if k not in ("report", "regions", "weights")}
    return Result(
        **_line_fields(result),
        sectors=[] if run is None else list(run.sectors),
        names=_names(library, result, run),
        grid=grid_entry(result.grid),
        extent=list(extent(result.grid)),
        manifest=manifest,
        tables={} if isinstance(result, Run) else {n: result.tables.rows(n) for n in result.tables},
        links=_links(result, base),
    )


def _names(library: Library, result: Published, run: Run | None) -> dict[str, dict[str, Texts]]:
    """What codes mean. A zoning may have a species beside those of its run: an equivalent."""
    told = [library.zoning(result.b) if isinstance(result, StoredComparison) else result, *([run] if run else [])]
    return {
        kind: {
            e["code"]: Texts(zh=e.get("name_zh") or e["name"], en=e["name"]) for one in told for e in one.manifest[kind]
        }
        for kind in ("species", "sectors")
    }


def _links(result: Published, base: str) -> dict[str, str]:
    here = f"{base}/api/results/{result.id}"
    if isinstance(result, Run):
        names: tuple[str, ...] = (*_STATISTICS, "ledger")
    else:
        names = (*_STATISTICS, *_OF_ZONING) if isinstance(result, StoredZoning) else _OF_COMPARISON
    return {"self": here, "manifest": f"{here}/manifest", "files": f"{here}/files", "tiles": f"{base}/tiles/{result.id}",
            "features": f"{base}/ogc/collections", **{name: f"{here}/{name}" for name in names}}  # fmt: skip


def _run_of(library: Library, id_: str) -> Run | None:
    return None if id_.startswith("c-") else library.run(id_)


def _files(library: Library, id_: str, base: str) -> Files:
    result = library.result(id_)
    found = downloads(library.views, result, _run_of(library, id_)).values()
    return Files(result=result.id, files=[_file(f, f"{base}/api/results/{result.id}/files/{f.name}") for f in found])


def _file(found: Download, href: str) -> File:
    return File(name=found.name, media_type=found.media_type, size=found.size, facilities=found.facilities, href=href)


router.include_router(_plain)
router.include_router(_kept)
