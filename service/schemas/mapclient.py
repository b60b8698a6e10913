"""The map: what a client that shows results has to know to begin."""

from __future__ import annotations

from pydantic import Field

from service.schemas.base import Answer
from service.schemas.results import ResultLine

__all__ = ["Basemap", "MapSettings", "Newest"]


class Basemap(Answer):
    """A layer of pictures that the map lies on."""

    url: str = Field(description="Address of its tiles in Web Mercator with {z}, {x} and {y}.")
    title: str
    attribution: str = Field(description="Plain text, no markup.")


class Newest(Answer):
    """The newest result of each kind."""

    zoning: str | None
    run: str | None
    comparison: str | None


class MapSettings(Answer):
    """What a map begins with."""

    title: str = Field(description="Name of this service.")
    version: str
    languages: list[str] = Field(description="Languages of titles and texts.")
    facilities: bool = Field(description="Whether you see facilities: with the key that came, or without one.")
    basemap: Basemap | None
    newest: Newest
    results: list[ResultLine] = Field(description="All results, newest first within each kind.")
