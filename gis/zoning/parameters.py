"""Parameters of a zoning: one TOML file, every default written once, here. The file may leave out whatever it does not change."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gis.errors import InvalidDescription
from gis.zoning.faults import fault_lines

__all__ = [
    "Access",
    "Apeq",
    "Delineation",
    "ErrorSizes",
    "Evidence",
    "Hot",
    "Membership",
    "Overlap",
    "Parameters",
    "Score",
    "Snapping",
    "read_parameters",
]

Share = Annotated[float, Field(gt=0, lt=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
Sigma = Annotated[float, Field(ge=0, le=3)]
SpeciesCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=32)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Hot(_Table):
    """``[hot]``: which cells are hot, species by species."""

    mode: Literal["area", "count", "mass"] = Field(
        "area",
        description="area: densest cells up to a share of the area; count: top share of the cells by amount; "
        "mass: densest cells that hold a share of the mass",
    )
    q: Share = Field(0.05, description="the share")
    q_low: Share = Field(0.10, description="the share at which a unit stops growing")
    tie_overshoot: Probability = Field(
        0.005,
        description="a group of equal cells is in, whole, if the share is then passed by no more than this; else out",
    )
    min_pollutants: int = Field(
        2, ge=1, le=7, description="pollutants that have to be hot for co-control or pollution-only"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Hot:
        if self.q_low < self.q:
            raise ValueError(
                f"q_low = {self.q_low} is below q = {self.q}; units grow outward, so q_low >= q is expected"
            )
        return self


class Evidence(_Table):
    """``[evidence]``: is it a cluster, or could neighbours be this dense by chance."""

    neighbours: Literal["queen", "rook", "band"] = Field("queen", description="who is a neighbour; band: within band_m")
    band_m: float | None = Field(None, gt=0, description="radius of the distance band in metres")
    alpha: Share = Field(0.05, description="false discovery rate")
    control: Literal["bh", "by"] = Field(
        "bh", description="what the tiers go by: Benjamini-Hochberg or -Yekutieli; both are given"
    )
    draws: int = Field(1_000_000, ge=999, le=100_000_000, description="draws of the shared null")
    proxy_led: Probability = Field(
        0.5, description="a unit with this share of its mass or more from shared proxies is proxy-led"
    )

    @model_validator(mode="after")
    def _has_band(self) -> Evidence:
        if (self.neighbours == "band") != (self.band_m is not None):
            raise ValueError('band_m belongs to neighbours = "band", and is needed there')
        return self


class ErrorSizes(_Table):
    """``[[membership.errors]]``: standard deviations of log errors that stand in for the documented defaults."""

    sector: str | None = Field(None, description="sector code; left out: all sectors")
    species: SpeciesCode | None = Field(None, description="species code; left out: all species")
    activity: Sigma | None = Field(None, description="of the sector's activity, common to all species")
    factor: Sigma | None = Field(None, description="of the species' emission factor in the sector")
    total: Sigma | None = Field(None, description="of each region's total of the sector")
    source: str = Field(min_length=1, description="where the number comes from, or that it is a judgement")


class Membership(_Table):
    """``[membership]``: how often a cell stays hot when the inventory is as uncertain as it is."""

    draws: int = Field(500, ge=0, le=100_000, description="draws; 0 leaves membership out")
    seed: int = Field(20240601, ge=0, lt=2**63, description="seed of the random numbers")
    core: Probability = Field(0.8, description="from here on a cell is robust")
    uncertain: Probability = Field(0.5, description="from here on it is uncertain, below it is weak")
    errors: tuple[ErrorSizes, ...] = Field((), description="error sizes that replace the defaults, with their sources")
    cell: dict[Literal["point", "line", "surrogate", "uniform"], Sigma] = Field(
        default_factory=dict, description="error of a cell's share by tier, in place of the defaults"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Membership:
        if self.uncertain > self.core:
            raise ValueError(
                f"uncertain = {self.uncertain} is above core = {self.core}; what is robust is so more often, so uncertain <= core "
                "is expected"
            )
        return self


class Overlap(_Table):
    """``[overlap]``: do the hot sets of two species coincide more than they would by chance."""

    shifts: int = Field(999, ge=0, le=99_999, description="toroidal shifts of the null; 0 leaves it out")
    support: Share = Field(0.5, description="least share of the domain that a shift has to leave")


class Delineation(_Table):
    """``[delineation]``: from hot cells to connected units."""

    hole_cells: int = Field(1, ge=0, description="enclosed holes up to this many cells are filled")
    min_cells: int = Field(3, ge=1, description="a unit has this many cells, or min_share")
    min_share: Probability = Field(
        0.001, description="least share of the region's carbon or of its pollutants that makes a smaller one a unit"
    )


class Snapping(_Table):
    """``[snapping]``: units take the shape of parks or townships where these describe them."""

    to: tuple[Literal["park", "township"], ...] = Field(("park", "township"), description="tried in this order")
    hot_share: Probability = Field(0.5, description="a park or township fits if this share of it is hot")
    emission_share: Probability = Field(0.5, description="or if this share of the unit's emission lies in it")
    retained: Probability = Field(0.9, description="least share of the unit's emission that the fitted shape keeps")
    inflated: float = Field(1.5, ge=1, description="largest area of the fitted shape, in areas of the unit")


class Apeq(_Table):
    """``[apeq]``: pollutants weighted into one equivalent; off unless every pollutant has a weight and its source."""

    weights: dict[SpeciesCode, Annotated[float, Field(gt=0)]] = Field(
        description="weight of a tonne of each pollutant: 1 / equivalent value in kg"
    )
    source: str = Field(min_length=1, description="where the weights come from, and which dust PM2.5 was taken for")


class Score(_Table):
    """``[score]``: the order of the units."""

    weights: dict[SpeciesCode, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict, description="weights of the pollutants; equal if empty"
    )


class Access(_Table):
    """``[access]``: the draft of the access list."""

    rules: str | None = Field(
        None, min_length=1, description="a rule file beside this one; left out: the rules that come with cozone"
    )


class Parameters(_Table):
    """A zoning's parameters, whole. ``carbon`` and ``pollutants`` are species codes of the run."""

    title_zh: str = Field("", description="title of the report")
    title_en: str = Field("", description="title of the report")
    carbon: SpeciesCode = Field("co2", description="the greenhouse gas")
    pollutants: tuple[SpeciesCode, ...] = Field(
        ("nox", "pm25", "vocs", "so2"),
        min_length=1,
        max_length=7,
        description="those the run has are used; the first missing ones are named in the notes",
    )
    emitting_only: bool = Field(False, description="take only emitting cells for the domain")
    hot: Hot = Hot()
    evidence: Evidence = Evidence()
    membership: Membership = Membership()
    overlap: Overlap = Overlap()
    delineation: Delineation = Delineation()
    snapping: Snapping = Snapping()
    score: Score = Score()
    access: Access = Access()
    apeq: Apeq | None = None
    sweep: tuple[Share, ...] = Field(
        (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.10), description="shares tried for the sensitivity"
    )

    @model_validator(mode="after")
    def _species(self) -> Parameters:
        problems = []
        if self.carbon in self.pollutants:
            problems.append(f"{self.carbon} is the greenhouse gas and cannot be a pollutant as well")
        if len(set(self.pollutants)) < len(self.pollutants):
            problems.append("a pollutant is named twice")
        strangers = sorted(set(self.score.weights) - set(self.pollutants))
        if strangers:
            problems.append(f"score.weights names {', '.join(strangers)}, which is not among the pollutants")
        if self.score.weights and not any(self.score.weights.values()):
            problems.append("score.weights are all zero; one pollutant at least has to count")
        if self.apeq is not None and set(self.apeq.weights) != set(self.pollutants):
            problems.append("apeq.weights needs a weight for every pollutant and for nothing else")
        strangers = sorted({e.species for e in self.membership.errors if e.species} - {self.carbon, *self.pollutants})
        if strangers:
            problems.append(
                f"membership.errors names {', '.join(strangers)}, which is neither the carbon nor among the pollutants"
            )
        if problems:
            raise ValueError("; ".join(problems))
        return self


def read_parameters(path: Path | None) -> Parameters:
    """The validated parameters of a file; the defaults without one."""
    if path is None:
        return Parameters()
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError as error:
        raise InvalidDescription(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidDescription(f"{path}: cannot be read as UTF-8 text: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidDescription(f"{path}: not valid TOML: {error}") from error
    try:
        return Parameters.model_validate(table)
    except ValidationError as error:
        raise InvalidDescription(f"{path}: {fault_lines(error, Parameters)}") from error
