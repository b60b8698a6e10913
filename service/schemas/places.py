"""Places: a cell, a point, a polygon, and who stands behind what they emit."""

from __future__ import annotations

from pydantic import Field

from service.schemas.base import Answer, Texts
from service.schemas.statistics import Threshold

__all__ = ["CellContributors", "ClassArea", "Contributor", "Point", "ThresholdAreas", "Zonal", "ZonalSpecies"]


class Contributor(Answer):
    """A source in a sector; gridded parts stand together, without an id."""

    part: str
    source_id: str
    name_zh: str
    name_en: str
    industry: str
    sector: str
    tier: str
    mass_t: float
    share: float


class Place(Answer):
    """A region."""

    role: str
    code: str
    name_zh: str
    name_en: str


class Cell(Answer):
    """A cell of the grid; longitude and latitude are those of its middle."""

    cell: int
    row: int
    col: int
    lon: float
    lat: float
    area_km2: float
    valid: bool = Field(description="A cell of the run: half of it in the domain, or a source in it.")


class SpeciesHere(Answer):
    """A species in the cell."""

    species: str
    amount_t: float
    density_t_km2: float
    rank: int = Field(description="1 is the densest of the domain; 0 has no emissions or no part in decisions.")
    ranks: int = Field(description="How many different densities there are.")
    share_area: float | None = Field(description="Share of the domain's area with this density or more.")
    share_mass: float | None = Field(description="Share of the species that those cells hold.")
    hot: bool | None = Field(description="Whether it is hot at the threshold beside; null where there is none.")


class ZonedSpecies(Answer):
    """What the zoning says about a species in the cell."""

    species: str
    hot: bool
    z: float | None = Field(description="Getis-Ord z.")
    p: float | None
    significant: bool
    membership: float | None = Field(description="Share of draws in which the cell is hot.")
    proxy_share: float | None
    tiers: dict[str, float]
    pattern: str


class Zoned(Answer):
    """What the zoning says about the cell."""

    cell_class: str = Field(validation_alias="cell_class", serialization_alias="class")
    tier: str
    robustness: str
    membership: float | None
    years_hot: int
    proxy_share: float | None
    patch: int
    seed: bool
    filled: bool
    unit: str
    species: list[ZonedSpecies]


class Point(Answer):
    """The answer to a click."""

    result: str
    run: str
    year: int
    lon: float
    lat: float
    cell: Cell
    species: list[SpeciesHere]
    threshold: Threshold | None
    zoned: Zoned | None = Field(description="Null for a run, another year, and cells that the zoning does not list.")
    units: list[str] = Field(description="Units whose polygon holds the point.")
    conflicts: list[str]
    places: list[Place]
    contributors: dict[str, list[Contributor]] | None = Field(
        description="By species; null for those who may not see facilities."
    )


class CellContributors(Answer):
    """Who stands behind a cell."""

    result: str
    year: int
    cell: Cell
    contributors: dict[str, list[Contributor]]


class ZonalSpecies(Answer):
    """A species in the polygon; what gridded parts emit without a sector would stand under an empty code."""

    species: str
    amount_t: float
    density_t_km2: float | None
    share: float | None = Field(description="Share of the run's whole.")
    sectors: dict[str, float]
    tiers: dict[str, float]


class ClassArea(Answer):
    """Area of a class in the polygon."""

    cell_class: str = Field(validation_alias="cell_class", serialization_alias="class")
    area_km2: float
    share: float | None


class ThresholdAreas(Answer):
    """Area of each class in the polygon at the threshold that was asked for."""

    threshold: Threshold
    classes: list[ClassArea]
    hot_share: float | None = Field(description="Share of the area that is of any class.")


class Zonal(Answer):
    """What lies in a polygon."""

    result: str
    run: str
    year: int
    method: Texts
    area_km2: float = Field(description="Area of the polygon on the grid.")
    outside_share: float = Field(description="Share of the polygon beyond the grid.")
    cells: int
    species: list[ZonalSpecies]
    classes: list[ClassArea]
    hot_share: float | None = Field(description="Share of the area that is of any class.")
    at_threshold: ThresholdAreas | None = Field(description="Null for a run that makes no classes.")
    contributors: dict[str, list[Contributor]] | None
