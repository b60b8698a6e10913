"""Links: where an answer can be had again, in other forms, and what lies around it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote, urlencode

from service.openapi.formats import Format

__all__ = ["QUERYABLES", "SCHEMA_REL", "SORTABLES", "Link", "alternates", "header", "link", "with_query"]

Link = dict[str, object]
QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
SORTABLES = "http://www.opengis.net/def/rel/ogc/1.0/sortables"
SCHEMA_REL = "http://www.opengis.net/def/rel/ogc/1.0/schema"
# Signs that stand for themselves in a query, so that an address stays legible: lists, coordinates, URIs of CRSs.
_PLAIN = ",:/()*"


def link(href: str, rel: str, type_: str, title: str, **more: object) -> Link:
    """A link as OGC API writes it."""
    return {"href": href, "rel": rel, "type": type_, "title": title, **more}


def with_query(path: str, parameters: Mapping[str, str]) -> str:
    """An address with its parameters, those without a value left out."""
    text = urlencode({k: v for k, v in parameters.items() if v}, safe=_PLAIN, quote_via=quote)
    return f"{path}?{text}" if text else path


def alternates(path: str, parameters: Mapping[str, str], formats: Sequence[Format], given: Format) -> list[Link]:
    """A link to the answer itself and one to each other form of it; all parameters are kept."""
    kept = {k: v for k, v in parameters.items() if k != "f"}
    own = with_query(path, parameters)
    found = [link(own, "self", _type(given), f"This document as {given.title}")]
    for other in formats:
        if other.name != given.name:
            href = with_query(path, {**kept, "f": other.name})
            found.append(link(href, "alternate", _type(other), f"This document as {other.title}"))
    return found


def header(links: Iterable[Link], rels: Iterable[str]) -> str:
    """The links of some relations as a Link header, for formats that have no place for them."""
    wanted = set(rels)
    return ", ".join(
        f'<{found["href"]}>; rel="{found["rel"]}"; type="{found["type"]}"' for found in links if found["rel"] in wanted
    )


def _type(found: Format) -> str:
    return found.media_type.partition("; charset")[0]
