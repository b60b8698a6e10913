"""Units: the list, the page of one, its evidence, conflicts, and the tables that judge a zoning as a whole."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from service.schemas.base import Answer
from service.schemas.places import Contributor

__all__ = [
    "Changes",
    "Conflicts",
    "Evidence",
    "Jurisdictions",
    "Rows",
    "Unit",
    "UnitContributors",
    "UnitPage",
    "Units",
    "WantedClass",
]


class WantedClass(StrEnum):
    """Classes of units."""

    CO_CONTROL = "co_control"
    POLLUTION_ONLY = "pollution_only"
    CARBON_ONLY = "carbon_only"
    WATCH = "watch"


class UnitSpecies(Answer):
    """What a unit emits of a species."""

    species: str
    t: float
    t_km2: float
    share: float = Field(description="Share of the domain's.")


class Unit(Answer):
    """A control unit, without its polygon; codes are drafts."""

    unit: str
    cell_class: str = Field(validation_alias="class", serialization_alias="class")
    digit: int
    jurisdiction: str
    jurisdiction_zh: str
    jurisdiction_en: str
    name_zh: str
    name_en: str
    cross_id: str
    patch: int
    fit: str
    fit_codes: str
    retained: float | None
    inflated: float | None
    review: str = Field(
        description="Why a person has to look at the shape, in both languages as published; empty where none has."
    )
    review_zh: str
    review_en: str
    cells: int
    area_km2: float
    hot_share: float | None
    tier: str
    robustness: str
    membership: float | None
    proxy_share: float | None
    proxy_led: bool
    years_hot: float | None
    supply_security: bool
    conflicts: int
    score: float
    rank: int
    rank_low: int
    rank_high: int
    bbox: list[float] = Field(description="West, south, east, north in degrees (CRS84).")
    species: list[UnitSpecies]


class Units(Answer):
    """A page of units."""

    result: str
    number_matched: int
    offset: int
    units: list[Unit]


class Jurisdiction(Answer):
    """A jurisdiction and its units."""

    code: str = Field(description="Empty for what lies in none.")
    name_zh: str
    name_en: str
    units: int
    classes: dict[str, int]


class Jurisdictions(Answer):
    """Jurisdictions that have units."""

    result: str
    jurisdictions: list[Jurisdiction]


class UnitPage(Answer):
    """All that is said about a unit."""

    result: str
    unit: Unit
    sectors: list[dict[str, Any]]
    tiers: list[dict[str, Any]]
    access: list[dict[str, Any]]
    conflicts: list[dict[str, Any]]
    contributors: list[dict[str, Any]] | None = Field(description="Null for those who may not see facilities.")


class UnitContributors(Answer):
    """The largest sources of a unit."""

    result: str
    unit: str
    year: int
    contributors: dict[str, list[Contributor]]


class Step(Answer):
    """A step of the way to a unit."""

    step: str
    text_zh: str
    text_en: str
    values: dict[str, Any]
    outcome: str


class ScoreParts(Answer):
    """score = 100 √(carbon × pollutants) × membership; carbon and pollutants are means of percentiles."""

    amount_percentile: dict[str, float]
    density_percentile: dict[str, float]
    weights: dict[str, float]
    carbon: float
    pollutants: float
    membership: float
    score: float


class Evidence(Answer):
    """What a unit rests on."""

    unit: str
    zoning: dict[str, Any]
    run: dict[str, Any]
    inputs: list[dict[str, Any]] = Field(description="Files of the inventory with their SHA-256.")
    parameters: dict[str, Any]
    rules_sha256: str
    tables_sha256: dict[str, str]
    seed: int
    made_with: dict[str, str]
    steps: list[Step]
    score: ScoreParts
    rank: int
    rank_low: int
    rank_high: int
    access: list[dict[str, Any]]
    ledger: list[dict[str, Any]]


class Conflicts(Answer):
    """Hotspots inside red lines and priority protection, without their polygons."""

    result: str
    number_matched: int
    offset: int
    conflicts: list[dict[str, Any]]


class Rows(Answer):
    """A published table; its columns are those of the documentation."""

    result: str
    table: str
    columns: list[str]
    number_matched: int
    offset: int
    rows: list[dict[str, Any]]


class Changes(Rows):
    """What became of units between two zonings; beside the published columns the names of both units, and the box around both."""

    a: str
    b: str
