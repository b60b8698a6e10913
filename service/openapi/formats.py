"""Formats of an answer: what a client asks for with ``f=`` or ``Accept``, and what it gets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.errors import Problem

__all__ = ["GEOJSON", "HTML", "JSON", "OPENAPI", "SCHEMA", "Format", "chosen"]

# Longer headers are refused before they are taken apart.
_LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class Format:
    """A format by its name in ``f=`` and its media type; ``accepted`` are further types that mean it."""

    name: str
    media_type: str
    title: str
    accepted: tuple[str, ...] = ()

    def answers(self, wanted: str) -> bool:
        """Whether it is of a media range."""
        types = (self.media_type.partition(";")[0], *self.accepted)
        return (
            wanted == "*/*"
            or wanted in types
            or (wanted.endswith("/*") and any(t.startswith(wanted[:-1]) for t in types))
        )


JSON = Format("json", "application/json", "JSON")
HTML = Format("html", "text/html; charset=utf-8", "HTML", ("text/html", "application/xhtml+xml"))
GEOJSON = Format("json", "application/geo+json", "GeoJSON", ("application/json", "application/vnd.geo+json"))
SCHEMA = Format("json", "application/schema+json", "JSON Schema", ("application/json",))
OPENAPI = Format(
    "json", "application/vnd.oai.openapi+json;version=3.0", "OpenAPI 3.0",
    ("application/json", "application/openapi+json"),
)  # fmt: skip


def chosen(formats: Sequence[Format], *, f: str | None, accept: str | None) -> Format:
    """The format asked for: by name, else the best of the header, else the first; 400 and 406 where there is none."""
    if f is not None:
        for found in formats:
            if found.name == f:
                return found
        raise Problem(f"f={f[:40]!r} is no format of this answer; use one of {_names(formats)}")
    if accept is None or not accept.strip():
        return formats[0]
    for wanted in _preferred(accept):
        for found in formats:
            if found.answers(wanted):
                return found
    raise Problem(f"nothing of {accept[:200]!r} can be had here; ask with f= for one of {_names(formats)}", status=406)


def _names(formats: Iterable[Format]) -> str:
    return ", ".join(found.name for found in formats)


def _preferred(accept: str) -> list[str]:
    """Media ranges of the header, the most wanted first; of equal weight, the more particular."""
    if len(accept) > _LONGEST:
        raise Problem(f"the Accept header has {len(accept)} characters; {_LONGEST} are enough")
    ranked = []
    for position, part in enumerate(accept.split(",")):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        weight = _weight(parameters)
        if media and weight > 0:
            ranked.append((-weight, media.count("*"), position, media.lower()))
    return [media for *_, media in sorted(ranked)]


def _weight(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return weight if 0.0 <= weight <= 1.0 else 0.0
    return 1.0
