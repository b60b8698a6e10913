"""The OGC API's way in: landing page, conformance, its OpenAPI document, the list of collections, and the page about all of it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.dependencies import Caller, CallerDep, LibraryDep, PoolDep, SettingsDep, base_url
from service.jobs import document as processes
from service.library import Library
from service.openapi import conformance as features
from service.openapi.answers import answer, json_bytes, parameters_of
from service.openapi.document import Limits, document
from service.openapi.formats import HTML, JSON, OPENAPI, Format, chosen
from service.openapi.links import Link, alternates, link
from service.openapi.pages import page
from service.openapi.reading import groups_of
from service.pool import Pool
from service.routes.described import described, listed, outline
from service.settings import Settings
from service.tiles import document as tiles
from service.tiles.tilesets import REL_SCHEME

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
_CLASSES = (*features.CONFORMANCE, *tiles.CONFORMANCE, *processes.CONFORMANCE)
_READ = ("GET", "HEAD")
_PROCESSES = "http://www.opengis.net/def/rel/ogc/1.0/processes"
_JOBS = "http://www.opengis.net/def/rel/ogc/1.0/job-list"
_DESCRIPTION = "Gridded emissions, hotspots and control units. 网格化排放、热点与管控单元。"


@router.api_route("/ogc", methods=[*_READ])
@router.api_route("/ogc/", methods=[*_READ])
async def landing(
    request: Request, library: LibraryDep, settings: SettingsDep, caller: CallerDep, pool: PoolDep
) -> Response:
    """Links to all there is."""
    form, parameters = _asked(request, (JSON, HTML))
    root = base_url(request)
    links = [*alternates(f"{root}/ogc", parameters, (JSON, HTML), form), *_around(root)]
    about = {"title": settings.title, "description": _DESCRIPTION, "links": links}
    if form is JSON:
        return _json(request, about)
    found = await pool.run(listed, library, caller)
    example = next((c.id for c in found if c.id.endswith(".units")), "z-0123456789ab.units")
    return page(
        request, "landing.html", title=settings.title, root=root, heading=settings.title, below=_DESCRIPTION, links=links,
        example=example,
    )  # fmt: skip


@router.api_route("/ogc/conformance", methods=[*_READ])
async def conformance(request: Request, settings: SettingsDep) -> Response:
    """Classes that a test holds."""
    form, parameters = _asked(request, (JSON, HTML))
    root = base_url(request)
    links = alternates(f"{root}/ogc/conformance", parameters, (JSON, HTML), form)
    if form is JSON:
        return _json(request, {"conformsTo": list(_CLASSES), "links": links})
    return page(
        request,
        "conformance.html",
        title=settings.title,
        root=root,
        heading="Conformance",
        conforms_to=_CLASSES,
        links=links,
    )


@router.api_route("/ogc/api", methods=[*_READ])
async def api(
    request: Request, library: LibraryDep, settings: SettingsDep, caller: CallerDep, pool: PoolDep
) -> Response:
    """The OpenAPI 3.0.3 document; it lists what this caller may see, so no shared cache keeps it."""
    form, _ = _asked(request, (OPENAPI, HTML))
    if form is HTML:
        return await _docs(request, library, settings, caller, pool)
    found = await pool.run(_document, request, library, settings, caller)
    return answer(request, json_bytes(found), OPENAPI.media_type, private=True)


@router.api_route("/ogc/collections", methods=[*_READ])
async def collections(
    request: Request, library: LibraryDep, settings: SettingsDep, caller: CallerDep, pool: PoolDep
) -> Response:
    """All collections that the caller may see, those of the newest results first."""
    form, parameters = _asked(request, (JSON, HTML))
    root = base_url(request)
    found = [described(c, root) for c in await pool.run(listed, library, caller)]
    links = alternates(f"{root}/ogc/collections", parameters, (JSON, HTML), form)
    if form is JSON:
        about = {"links": links, "collections": found, "numberMatched": len(found), "numberReturned": len(found)}
        return _json(request, about, private=True)
    return page(
        request, "collections.html", title=settings.title, root=root, heading="Collections", collections=found, links=links,
        private=True,
    )  # fmt: skip


@router.api_route("/docs", methods=[*_READ])
async def docs(
    request: Request, library: LibraryDep, settings: SettingsDep, caller: CallerDep, pool: PoolDep
) -> Response:
    """What can be asked, for people: rendered here, from both documents, with a line for curl each."""
    parameters_of(request, ())
    return await _docs(request, library, settings, caller, pool)


async def _docs(request: Request, library: Library, settings: Settings, caller: Caller, pool: Pool) -> Response:
    root = base_url(request)
    ogc = await pool.run(_document, request, library, settings, caller, concrete=False)
    parts = [
        {"title": "OGC API: features, tiles, processes", "groups": groups_of(ogc, base=f"{root}/ogc")},
        {"title": "Statistics, tiles, inventories, operation", "groups": groups_of(request.app.openapi(), base=root)},
    ]
    return page(request, "docs.html", title=settings.title, root=root, heading="API", parts=parts)


def _document(
    request: Request, library: Library, settings: Settings, caller: Caller, *, concrete: bool = True
) -> dict[str, Any]:
    limits = Limits(settings.page_default, settings.page_max, settings.filter_chars)
    outlines = [outline(c) for c in listed(library, caller)] if concrete else []
    return document(
        f"{base_url(request)}/ogc", settings.title, limits, outlines, others=(tiles.paths(), processes.paths())
    )


def _around(root: str) -> list[Link]:
    ogc = f"{root}/ogc"
    return [
        link(f"{ogc}/api", "service-desc", OPENAPI.media_type, "The API as OpenAPI 3.0"),
        link(f"{root}/docs", "service-doc", "text/html", "The API for people"),
        link(f"{ogc}/conformance", "conformance", JSON.media_type, "Conformance classes"),
        link(f"{ogc}/collections", "data", JSON.media_type, "Collections of features"),
        link(f"{ogc}/tileMatrixSets", REL_SCHEME, JSON.media_type, "Tile matrix sets"),
        link(f"{ogc}/processes", _PROCESSES, JSON.media_type, "Processes: grid, zone, compare, export"),
        link(f"{ogc}/jobs", _JOBS, JSON.media_type, "Jobs"),
        link(f"{root}/wmts?service=WMTS&request=GetCapabilities", "related", "application/xml", "Maps as WMTS 1.0.0"),
    ]


def _asked(request: Request, formats: tuple[Format, ...]) -> tuple[Format, dict[str, str]]:
    parameters = parameters_of(request, ("f",))
    return chosen(formats, f=parameters.get("f"), accept=request.headers.get("accept")), parameters


def _json(request: Request, document_: object, *, private: bool = False) -> Response:
    return answer(request, json_bytes(document_), JSON.media_type, private=private)
