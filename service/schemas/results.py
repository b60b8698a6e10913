"""Results: what is published, and the files of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from service.schemas.base import Answer, Texts

__all__ = ["File", "Files", "Kind", "Result", "ResultLine", "ResultList"]


class Kind(StrEnum):
    """Kinds of results."""

    RUN = "run"
    ZONING = "zoning"
    COMPARISON = "comparison"


class ResultLine(Answer):
    """A result in one line."""

    id: str = Field(description="r- (run), z- (zoning) or c- (comparison) and 12 hex digits of the content.")
    kind: Kind
    name: str
    label: str
    created: datetime
    species: list[str] = Field(description="Species codes; of a zoning or comparison carbon first.")
    years: list[int] = Field(description="Years of a run; the year of a zoning; the two years of a comparison.")
    run: str | None = Field(None, description="The run that a zoning stands on.")
    a: str | None = Field(None, description="The earlier zoning of a comparison.")
    b: str | None = Field(None, description="The later zoning of a comparison.")
    units: dict[str, int] | None = Field(None, description="Units of a zoning by class.")


class ResultList(Answer):
    """Results, newest first within each kind."""

    results: list[ResultLine]


class Result(ResultLine):
    """A result, what it was made of and with, and where to go on."""

    sectors: list[str]
    names: dict[str, dict[str, Texts]] = Field(
        description="What the codes of species and sectors mean, in both languages."
    )
    grid: dict[str, Any] = Field(description="CRS, transform and shape of the grid.")
    extent: list[float] = Field(description="West, south, east, north in degrees (CRS84).")
    manifest: dict[str, Any] = Field(
        description="Inputs with their hashes, parameters, versions; a run's without its reports."
    )
    tables: dict[str, int] = Field(description="Published tables and their rows.")
    links: dict[str, str] = Field(description="Addresses of what the service tells about the result.")


class File(Answer):
    """A file that may be downloaded; without a size it is made when it is asked for."""

    name: str
    media_type: str
    size: int | None
    facilities: bool = Field(description="It names facilities, and is given only to those who may see them.")
    href: str


class Files(Answer):
    """The files of a result."""

    result: str
    files: list[File]
