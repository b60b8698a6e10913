"""Queries: what a client asks of a collection, read strictly from its parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from gis.errors import InvalidParameter
from service.features.collection import Collection
from service.features.crs import CRS84_URI, Crs, crs_named
from service.features.expressions import Column, Literal
from service.features.filters import read_filter, same
from service.features.places import Spatial
from service.features.predicate import Between, Constant, Predicate, conjunction
from service.features.shapes import shape_of_bbox
from service.settings import Settings

__all__ = ["RESERVED", "Query", "read_crs", "read_query"]

# Parameters that are no properties. A property of such a name is reached by ``filter``.
RESERVED = (
    "limit", "offset", "bbox", "bbox-crs", "datetime", "crs", "filter", "filter-lang", "filter-crs", "properties", "sortby",
)  # fmt: skip
_NAMES = 100
_SORTS = 8
_OFFSET = 10**12
_MOMENT = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)([Tt](?P<time>\d\d:\d\d:\d\d(\.\d+)?)([Zz]|[+-]\d\d:\d\d))?"
)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Query:
    """What is asked. ``where`` holds everything that selects features: bbox, datetime, properties and filter."""

    limit: int
    offset: int = 0
    where: Predicate | None = None
    properties: tuple[str, ...] | None = None  # None: all of them
    sort: tuple[tuple[str, bool], ...] = ()  # name, descending
    crs: Crs | None = None  # None: CRS84


def read_query(collection: Collection, parameters: Mapping[str, str], settings: Settings) -> Query:
    """The query of request parameters (without ``f``); InvalidParameter for one that is unknown or wrong.

    Known are those of RESERVED, and every property of the collection by its name (equality).
    """
    names = {f.name for f in collection.fields} - set(RESERVED)
    for name in parameters:
        if name not in RESERVED and name not in names:
            near = get_close_matches(name, [*RESERVED, *names], n=3, cutoff=0.5)
            raise InvalidParameter(
                f"no parameter {name[:60]!r}{'; near: ' + ', '.join(near) if near else ''}; see /queryables of the collection"
            )
    return Query(
        limit=min(_whole(parameters, "limit", settings.page_default, least=1), settings.page_max),
        offset=_whole(parameters, "offset", 0, least=0),
        where=_where(collection, parameters, settings),
        properties=_properties(collection, parameters),
        sort=_sort(collection, parameters),
        crs=read_crs(collection, parameters.get("crs")),
    )


def read_crs(collection: Collection, text: str | None) -> Crs | None:
    """The CRS of the parameter ``crs``; None for CRS84."""
    if text is None:
        return None
    found = crs_named(collection.grid, text, "crs")
    return None if found.is_crs84 else found


def _whole(parameters: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    text = parameters.get(name)
    if text is None:
        return default
    # A digit of another script is one to int() and to isdecimal(), and none to other clients.
    if not (text.isascii() and text.isdecimal() and len(text) <= 18) or not least <= int(text) <= _OFFSET:
        raise InvalidParameter(f"{name}: {text[:40]!r}; a whole number of at least {least} is expected")
    return int(text)


# -- what selects -----------------------------------------------------------------------------------------------------


def _where(collection: Collection, parameters: Mapping[str, str], settings: Settings) -> Predicate | None:
    parts = [same(collection.field(n, where=n), v) for n, v in parameters.items() if n not in RESERVED]
    if "datetime" in parameters:
        parts.append(_datetime(collection, parameters["datetime"]))
    if "bbox" in parameters:
        parts.append(_bbox(collection, parameters))
    elif "bbox-crs" in parameters:
        crs_named(collection.grid, parameters["bbox-crs"], "bbox-crs")
    crs = crs_named(collection.grid, parameters.get("filter-crs", CRS84_URI), "filter-crs")
    language = parameters.get("filter-lang", "cql2-text")
    if "filter" in parameters:
        text = parameters["filter"]
        if len(text) > settings.filter_chars:
            raise InvalidParameter(f"filter has {len(text):,} signs; up to {settings.filter_chars:,} are read")
        parts.append(read_filter(text, language, collection.fields, crs, vertices=settings.polygon_vertices))
    return conjunction(parts)


def _bbox(collection: Collection, parameters: Mapping[str, str]) -> Predicate:
    crs = crs_named(collection.grid, parameters.get("bbox-crs", CRS84_URI), "bbox-crs")
    texts = parameters["bbox"].split(",")
    if len(texts) > 6:
        raise InvalidParameter(f"bbox has {len(texts)} numbers; four or six are expected")
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        raise InvalidParameter(
            f"bbox: {parameters['bbox'][:80]!r}; four numbers parted by commas are expected"
        ) from None
    return Spatial("s_intersects", *shape_of_bbox(numbers, crs, "bbox"))


def _datetime(collection: Collection, text: str) -> Predicate:
    """Features whose year has a day in common with a moment or an interval."""
    ends = text.split("/")
    if len(ends) > 2:
        raise InvalidParameter(f"datetime: {text[:80]!r} has more than two ends")
    years = [_year(end, len(ends) == 2) for end in ends]
    first, last = years[0], years[-1]
    if first is None and last is None:
        raise InvalidParameter("datetime: an interval needs one end at least")
    low = -(10**9) if first is None else first
    high = 10**9 if last is None else last
    if low > high or (len(ends) == 2 and first is not None and last is not None and ends[0] > ends[1] and low == high):
        raise InvalidParameter(f"datetime: {text[:80]!r} ends before it begins")
    if any(f.name == "year" for f in collection.fields):
        return Between(Column("year"), Literal(low), Literal(high))
    return Constant(collection.years[0] <= high and collection.years[1] >= low)


def _year(text: str, interval: bool) -> int | None:
    if interval and text in ("", ".."):
        return None
    found = _MOMENT.fullmatch(text) if text.isascii() else None
    fits = (
        found is not None
        and 1 <= int(found["month"]) <= 12
        and 1 <= int(found["day"]) <= _DAYS[int(found["month"]) - 1]
    )
    if found is None or not fits:
        raise InvalidParameter(
            f"datetime: {text[:60]!r}; 2022-01-01, 2022-01-01T00:00:00Z or an interval 2020-01-01/.. is expected"
        )
    return int(found["year"])


# -- what is given ----------------------------------------------------------------------------------------------------


def _names(parameters: Mapping[str, str], name: str, most: int) -> Sequence[str]:
    found = parameters[name].split(",")
    if len(found) > most:
        raise InvalidParameter(f"{name} lists {len(found)} names; up to {most} are read")
    return found


def _properties(collection: Collection, parameters: Mapping[str, str]) -> tuple[str, ...] | None:
    if "properties" not in parameters:
        return None
    wanted = {collection.field(n, where="properties").name for n in _names(parameters, "properties", 4 * _NAMES) if n}
    return tuple(f.name for f in collection.fields if f.name in wanted)


def _sort(collection: Collection, parameters: Mapping[str, str]) -> tuple[tuple[str, bool], ...]:
    if "sortby" not in parameters:
        return ()
    out = []
    for text in _names(parameters, "sortby", _SORTS):
        # A plus sign in a query that was not encoded arrives as a blank.
        name = text[1:] if text[:1] in ("+", "-", " ") else text
        out.append((collection.field(name, where="sortby").name, text.startswith("-")))
    return tuple(out)
