"""Features over HTTP: collections, pages of features, single ones, schemas, and whole collections as files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Depends, Request
from starlette.responses import FileResponse, Response

from gis.errors import InvalidParameter
from service.dependencies import CallerDep, LibraryDep, PoolDep, SettingsDep, base_url
from service.errors import Problem
from service.features import geojson
from service.features.collection import Collection
from service.features.download import downloaded
from service.features.formats import encoded
from service.features.query import read_crs, read_query
from service.features.select import Page, one, select
from service.library import POINTERS
from service.openapi.answers import IMMUTABLE, answer, caching, etag, json_bytes, known, not_modified, parameters_of
from service.openapi.formats import GEOJSON, HTML, JSON, SCHEMA, Format, chosen
from service.openapi.links import QUERYABLES, Link, alternates, header, link, with_query
from service.openapi.pages import page as html_page
from service.openapi.parameters import ITEM, ITEMS
from service.routes.described import DOWNLOAD_FORMATS, PAGE_FORMATS, described, feature_schema, found, with_geometry

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
_READ = ("GET", "HEAD")
# Features of a page for people, where they do not say otherwise.
_PEOPLE = "50"
# What GDAL writes for ILIKE, which CQL2 does not have; a text is passed over whole, so that none is taken for a condition.
_ILIKE = re.compile(r"(?P<name>[^\W\d]\w*) ILIKE (?P<like>'(?:[^']|'')*')|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_GEOJSON_SCHEMA = Format("geojson", SCHEMA.media_type, "JSON Schema of a GeoJSON feature", ())


class _Asked:
    """A request for something of a collection: which one, by whom, from where."""

    def __init__(
        self, request: Request, collection: str, library: LibraryDep, settings: SettingsDep, caller: CallerDep
    ) -> None:
        self.request, self.settings, self.library = request, settings, library
        self.root = base_url(request)
        self.collection: Collection = found(library, caller, _here(request, library, self.root, collection))
        self.private = self.collection.needs_facilities and not settings.show_facilities
        self.own = f"{self.root}/ogc/collections/{self.collection.id}"

    def choose(self, formats: tuple[Format, ...], parameters: Mapping[str, str]) -> Format:
        return chosen(formats, f=parameters.get("f"), accept=self.request.headers.get("accept"))

    def html(self, template: str, heading: str, links: list[Link], **values: Any) -> Response:
        return html_page(
            self.request, template, private=self.private, title=self.settings.title, root=self.root, heading=heading,
            links=links, **values,
        )  # fmt: skip

    def json(self, document: object, form: Format, *, links: list[Link] | None = None) -> Response:
        headers = {"Link": header(links, (QUERYABLES, "self", "alternate"))} if links else {}
        return answer(self.request, json_bytes(document), form.media_type, private=self.private, headers=headers)

    def parameters(self, *allowed: str) -> dict[str, str]:
        return parameters_of(self.request, allowed)


Asked = Annotated[_Asked, Depends(_Asked)]


@router.api_route("/ogc/collections/{collection}", methods=[*_READ])
async def collection(asked: Asked) -> Response:
    """The collection: where it lies, in which CRSs it comes, how many features it has."""
    parameters = asked.parameters("f")
    form = asked.choose((JSON, HTML), parameters)
    about = described(asked.collection, asked.root)
    if form is JSON:
        return asked.json(about, JSON)
    links = alternates(asked.own, parameters, (JSON, HTML), form)
    return asked.html("collection.html", asked.collection.id, links, about=about, below=about["title"])


@router.api_route("/ogc/collections/{collection}/schema", methods=[*_READ])
async def schema(asked: Asked) -> Response:
    """What a feature holds (part 5); with ``f=geojson`` as a schema of the GeoJSON itself."""
    if asked.request.query_params.get("f") == _GEOJSON_SCHEMA.name:
        asked.parameters("f")
        return asked.json({**feature_schema(asked.collection), "$id": f"{asked.own}/schema?f=geojson"}, SCHEMA)
    return _schema(asked, "schema", "Schema", asked.collection.schema)


@router.api_route("/ogc/collections/{collection}/queryables", methods=[*_READ])
async def queryables(asked: Asked) -> Response:
    """What can be filtered by (part 3)."""
    return _schema(asked, "queryables", "Queryables", asked.collection.queryables)


@router.api_route("/ogc/collections/{collection}/sortables", methods=[*_READ])
async def sortables(asked: Asked) -> Response:
    """What can be sorted by (part 5)."""
    return _schema(asked, "sortables", "Sortables", asked.collection.sortables)


@router.api_route("/ogc/collections/{collection}/items", methods=[*_READ])
async def items(asked: Asked, pool: PoolDep) -> Response:
    """A page of features."""
    parameters = asked.parameters(*ITEMS, *(f.name for f in asked.collection.fields))
    form = asked.choose(PAGE_FORMATS, parameters)
    tag = etag(asked.own, form.name, *sorted(parameters.items()))
    if form is not HTML and known(asked.request, tag):
        return not_modified(tag, caching(IMMUTABLE, private=asked.private))
    return await pool.run(_items, asked, parameters, form, tag)


@router.api_route("/ogc/collections/{collection}/items/{feature}", methods=[*_READ])
async def item(asked: Asked, feature: str, pool: PoolDep) -> Response:
    """One feature."""
    parameters = asked.parameters(*ITEM)
    form = asked.choose((GEOJSON, HTML), parameters)
    return await pool.run(_item, asked, feature, parameters, form)


@router.api_route("/ogc/collections/{collection}/download", methods=[*_READ])
async def download(asked: Asked, pool: PoolDep) -> Response:
    """The whole collection as a file."""
    parameters = asked.parameters("f")
    form = asked.choose(DOWNLOAD_FORMATS, parameters)
    tag = etag(asked.own, "download", form.name)
    headers = caching(IMMUTABLE, private=asked.private)
    if known(asked.request, tag):
        return not_modified(tag, headers)
    path = await pool.run(downloaded, asked.library, asked.collection, form.name)
    return FileResponse(
        path, media_type=form.media_type, filename=f"{asked.collection.id}.{path.suffix[1:]}",
        headers={**headers, "ETag": tag},
    )  # fmt: skip


def _schema(asked: _Asked, name: str, heading: str, of: Callable[[], dict[str, object]]) -> Response:
    parameters = asked.parameters("f")
    form = asked.choose((SCHEMA, HTML), parameters)
    document: dict[str, Any] = {"$id": f"{asked.own}/{name}", **of()}
    document["properties"] = with_geometry(document["properties"])
    if form is SCHEMA:
        return asked.json(document, SCHEMA)
    links = alternates(f"{asked.own}/{name}", parameters, (SCHEMA, HTML), form)
    return asked.html(
        "schema.html", f"{heading}: {asked.collection.id}", links, properties=document["properties"],
        below=asked.collection.title_en,
    )  # fmt: skip


def _items(asked: _Asked, parameters: dict[str, str], form: Format, tag: str) -> Response:
    if form is HTML:
        parameters = {"limit": _PEOPLE, **parameters}
    page = _page(asked, parameters)
    links = _page_links(asked, parameters, form, page)
    headers = _page_headers(page, links)
    if form is HTML:
        return _people(asked, page, links)
    body = geojson.feature_collection(page, {"links": links}) if form is GEOJSON else encoded(page, form.name)
    return answer(
        asked.request, body, form.media_type, cache=IMMUTABLE, private=asked.private, tag=tag, headers=headers
    )


def _page(asked: _Asked, parameters: Mapping[str, str]) -> Page:
    """What is asked for; only the number of it where the client wants no more."""
    kind = parameters.get("resultType", "results")
    if kind not in ("results", "hits"):
        raise InvalidParameter(f"resultType {kind[:40]!r} is not known; use results or hits")
    given = {k: v for k, v in parameters.items() if k not in ("f", "resultType")}
    if given.get("filter-lang") == "cql-text" and len(text := given.get("filter", "")) <= asked.settings.filter_chars:
        given |= {"filter": _ILIKE.sub(_without_case, text)} if text else {}
    query = read_query(asked.collection, given, asked.settings)
    return select(asked.collection, replace(query, limit=0) if kind == "hits" else query)


def _without_case(found: re.Match[str]) -> str:
    return f"CASEI({found['name']}) LIKE CASEI({found['like']})" if found["name"] else found[0]


def _page_links(asked: _Asked, parameters: Mapping[str, str], form: Format, page: Page) -> list[Link]:
    own = f"{asked.own}/items"
    links = alternates(own, parameters, PAGE_FORMATS, form)
    links.append(link(asked.own, "collection", JSON.media_type, asked.collection.title_en))
    links.append(link(f"{asked.own}/queryables", QUERYABLES, SCHEMA.media_type, "What can be filtered by"))
    type_ = form.media_type.partition("; charset")[0]
    offset, limit = page.query.offset, page.query.limit
    rest = {k: v for k, v in parameters.items() if k != "offset"}
    if page.more and limit:
        links.append(link(with_query(own, {**rest, "offset": str(offset + limit)}), "next", type_, "Next page"))
    if offset and limit:
        before = max(0, offset - limit)
        where = {**rest, "offset": str(before)} if before else rest
        links.append(link(with_query(own, where), "prev", type_, "Page before"))
    return links


def _page_headers(page: Page, links: list[Link]) -> dict[str, str]:
    headers = {
        "Content-Crs": f"<{page.crs.uri}>",
        "OGC-NumberReturned": str(page.number_returned),
        "Link": header(links, ("self", "alternate", "next", "prev", QUERYABLES)),
    }
    if page.number_matched is not None:
        headers["OGC-NumberMatched"] = str(page.number_matched)
    return headers


def _people(asked: _Asked, page: Page, links: list[Link]) -> Response:
    """The page as a table."""
    features = orjson.loads(b"[" + geojson.features(page) + b"]")
    first = page.query.offset + 1
    count = f"{first:,} to {first + len(features) - 1:,}" if features else "none"
    if page.number_matched is not None:
        count += f" of {page.number_matched:,}"
    return asked.html(
        "items.html", asked.collection.id, links, below=asked.collection.title_en, count=count, features=features,
        names=page.table.column_names, collection=asked.collection.id,
    )  # fmt: skip


def _item(asked: _Asked, feature: str, parameters: dict[str, str], form: Format) -> Response:
    page = one(asked.collection, feature, read_crs(asked.collection, parameters.get("crs")))
    own = f"{asked.own}/items/{quote(feature, safe='')}"
    links = alternates(own, parameters, (GEOJSON, HTML), form)
    links.append(link(asked.own, "collection", JSON.media_type, asked.collection.title_en))
    if form is HTML:
        (properties,) = (f["properties"] for f in orjson.loads(b"[" + geojson.features(page) + b"]"))
        return asked.html("feature.html", feature, links, properties=properties, below=asked.collection.id)
    headers = {"Content-Crs": f"<{page.crs.uri}>", "Link": header(links, ("self", "alternate", "collection"))}
    body = geojson.feature(page, {"links": links})
    return answer(asked.request, body, form.media_type, cache=IMMUTABLE, private=asked.private, headers=headers)


def _here(request: Request, library: LibraryDep, root: str, collection: str) -> str:
    """The collection asked for; for one of a pointer, the way to what it points to now, which no client keeps."""
    pointer, dot, kind = collection.partition(".")
    if not dot or pointer not in POINTERS:
        return collection
    id_ = f"{library.resolve(pointer)}.{kind}"
    path = request.url.path.replace(f"/{collection}", f"/{quote(id_)}", 1)
    query = f"?{request.url.query}" if request.url.query else ""
    raise Problem(f"{pointer} is {id_}", status=307, headers={"Location": root + path + query})
