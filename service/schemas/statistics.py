"""Statistics: concentration, overlap, totals, series, thresholds."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from service.schemas.base import Answer, Texts

__all__ = [
    "Concentration",
    "CurveLine",
    "Overlap",
    "OverlapRow",
    "Series",
    "SeriesRow",
    "Threshold",
    "ThresholdAnswer",
    "Total",
    "Totals",
]  # fmt: skip


class CurveLine(Answer):
    """The share of a species that the densest cells hold."""

    species: str
    gini: float | None = Field(
        description="Gini coefficient of the ranking species, concentration index of the others."
    )
    x: list[float] = Field(description="Shares of the domain's area, the densest cells first.")
    y: list[float | None] = Field(description="Share of the species' mass that they hold.")
    at: dict[str, float | None] = Field(description="The same at round shares of the area, exactly.")


class Concentration(Answer):
    """Curves over the cells in the order of one species' density."""

    result: str
    year: int
    rank_by: str
    statement: Texts = Field(description="What the curves hold for.")
    curves: list[CurveLine]


class OverlapRow(Answer):
    """Two hot sets; null distributions are of toroidal shifts, and only a zoning has them."""

    a: str
    b: str
    jaccard: float | None
    jaccard_null: float | None
    jaccard_low: float | None
    jaccard_high: float | None
    jaccard_p: float | None
    lift: float | None
    lift_null: float | None
    lift_high: float | None
    capture: float | None
    capture_null: float | None
    capture_high: float | None
    shifts: int
    free_jaccard: float | None = Field(description="Without the mass that species share through one proxy.")
    free_lift: float | None
    free_capture: float | None


class Overlap(Answer):
    """How far the hot sets of every two species coincide."""

    result: str
    year: int
    mode: str
    share: float
    published: bool = Field(
        description="The zoning's own table; otherwise worked out for this request, without a null."
    )
    rows: list[OverlapRow]


class Total(Answer):
    """An amount; ``share`` is that of the species' whole."""

    key: str = Field(description="Code of the species, sector, tier, unit or region; empty for what lies in no region.")
    name_zh: str
    name_en: str
    species: str
    amount_t: float
    share: float | None


class Totals(Answer):
    """Totals of a year."""

    result: str
    year: int
    by: str
    method: Texts
    total_rows: int
    offset: int
    rows: list[Total]


class SeriesRow(Total):
    """An amount of a year."""

    year: int


class Series(Answer):
    """Amounts over the years of a run."""

    result: str
    by: str
    key: str | None
    method: Texts
    rows: list[SeriesRow]


class Threshold(Answer):
    """What is hot."""

    species: list[str] = Field(description="Carbon first, then the pollutants.")
    share: float
    mode: str
    min_pollutants: int
    tie_overshoot: float
    min_cells: int = Field(1, description="Connected cells of one class that are fewer have none.")


class ThresholdAnswer(Answer):
    """Cuts, and cells, area, patches and mass by class, at a threshold."""

    result: str
    year: int
    threshold: Threshold
    cuts: dict[str, dict[str, Any]] = Field(
        description="By species: rank, cells, area, shares and the least density that is hot."
    )
    classes: list[dict[str, Any]] = Field(
        description="By class: cells, area, mass and shares of the domain's; patches, and what fell to the size rule (small_patches, "
        "small_cells, small_area_km2), which is not in the rest; {species}_proxy_share is the share of its mass that a proxy placed "
        "(tiers surrogate and uniform), null where that is not known."
    )
