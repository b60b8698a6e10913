"""Rules: what an access list advises under which conditions, read from a file that the user can edit."""

from __future__ import annotations

import re
import tomllib
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gis.errors import InvalidDescription
from gis.species import SECTORS
from gis.zoning.faults import fault_lines

__all__ = ["PARTS", "Act", "Nature", "Rule", "Rules", "When", "names_industry", "parse_rules", "read_rules"]

# The four parts of an official access list.
PARTS = {
    "spatial": ("空间布局约束", "Spatial constraints"),
    "emission": ("污染物排放管控", "Emission control"),
    "risk": ("环境风险防控", "Environmental risk"),
    "resource": ("资源开发效率要求", "Resource efficiency"),
}

Share = Annotated[float, Field(gt=0, le=1)]
Name = Annotated[str, Field(min_length=1)]
# A species code, or carbon, pollutant (any of them) or any.
SpeciesName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Classes = Literal["co_control", "pollution_only", "carbon_only", "watch"]


class Nature(StrEnum):
    """What kind of advice it is: the first two are about a place and need evidence of that place."""

    EXIT = "exit"  # what is there goes: exit, relocation, closure
    SITING = "siting"  # what may come
    CONTROL = "control"  # limits and technique at the source
    MANAGE = "manage"  # plans, permits, markets, efficiency
    VERIFY = "verify"  # look first

    @property
    def of_place(self) -> bool:
        """Whether it is an order about a place."""
        return self in (Nature.EXIT, Nature.SITING)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Act(_Table):
    """``[acts.<key>]``: a legal act or standard, with number and year."""

    zh: Name
    en: Name


class When(_Table):
    """``[rules.when]``: all that is given has to hold; species of a table each for itself."""

    classes: tuple[Classes, ...] = Field((), alias="class", description="classes of the unit")
    tier: tuple[Literal["clustered_core", "isolated_core", "proxy_led"], ...] = ()
    robustness: tuple[Literal["core", "uncertain", "weak"], ...] = ()
    fit: tuple[Literal["park", "township", "overlay"], ...] = ()
    proxy_led: bool | None = None
    supply_security: bool | None = None
    conflict: bool | None = Field(None, description="part of the hotspot lies in a red line or priority protection")
    cross_jurisdiction: bool | None = Field(None, description="the hotspot lies in several jurisdictions")
    review: bool | None = Field(None, description="a person has to look at the unit's shape")
    years_hot: int | None = Field(None, ge=1, description="least number of years in which it is hot")
    unit_share: dict[SpeciesName, Share] = Field({}, description="least share of the region's mass")
    # Of the sectors that the rule names, or of any if it names none, one at least has to meet these together.
    focus: bool | None = Field(None, description="the unit is about the sector")
    sector_share: dict[SpeciesName, Share] = Field({}, description="least share of the unit's mass")
    quotient: dict[SpeciesName, Annotated[float, Field(gt=0)]] = Field({}, description="least location quotient")

    @property
    def of_sector(self) -> bool:
        """Whether something is asked of a sector."""
        return self.focus is not None or bool(self.sector_share) or bool(self.quotient)


class Rule(_Table):
    """``[[rules]]``: one piece of advice."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    part: Literal["spatial", "emission", "risk", "resource"]
    nature: Nature
    sectors: tuple[Name, ...] = Field((), description="sector codes; none: the unit as a whole, or any sector")
    industry: tuple[Name, ...] = Field(
        (), description="words or GB/T 4754 codes, one of which a large source of the unit has in its industry"
    )
    when: When = When()
    advice_zh: Name
    advice_en: Name
    legal_basis: tuple[Name, ...] = Field(min_length=1, description="keys of [acts]")

    @model_validator(mode="after")
    def _not_a_carbon_order(self) -> Rule:
        if "carbon_only" in self.when.classes and (self.part == "spatial" or self.nature.of_place):
            raise ValueError(
                f"rule {self.id} gives carbon_only units an order about their place; a tonne of CO2 counts the same anywhere. "
                "Take carbon_only out of its classes, or make it advice of another part and nature"
            )
        return self


class Rules(_Table):
    """A rule file, its text kept as it came."""

    as_of: str = Field(min_length=4, description="date to which the legal acts were looked up")
    sectors: tuple[Name, ...] = Field((), description="sector codes beyond the known ones that rules may name")
    acts: dict[str, Act]
    rules: tuple[Rule, ...] = Field(min_length=1)
    text: str = Field("", exclude=True)

    @model_validator(mode="after")
    def _names_known(self) -> Rules:
        known = {*SECTORS, *self.sectors}
        problems = [
            *(f"rule {r.id}: no act {key!r} under [acts]" for r in self.rules for key in r.legal_basis if key not in self.acts),
            *(f"rule {r.id}: no sector {s!r}; known: {', '.join(known)}, or declare it in `sectors`"
              for r in self.rules for s in r.sectors if s not in known),
        ]  # fmt: skip
        ids = [r.id for r in self.rules]
        problems += [f"rule {i} is there {ids.count(i)} times" for i in sorted(set(ids)) if ids.count(i) > 1]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def citation(self, rule: Rule) -> str:
        """The legal basis of a rule as it stands in the table: the official titles."""
        return "; ".join(self.acts[key].zh for key in rule.legal_basis)

    def in_english(self, citation: str) -> str:
        """A citation with English titles; what is not of this file stays."""
        names = {act.zh: act.en for act in self.acts.values()}
        return "; ".join(names.get(part, part) for part in citation.split("; "))

    def verifies_proxies(self) -> bool:
        """Whether some rule sends people to look at every proxy-led unit, whatever its class."""
        only = When(proxy_led=True)
        return any(
            r.nature is Nature.VERIFY and r.when == only and not r.sectors and not r.industry for r in self.rules
        )


def read_rules(path: Path | None) -> Rules:
    """The rules of a file; those that come with cozone without one."""
    if path is None:
        return parse_rules(files("gis.zoning").joinpath("rules.toml").read_text("utf-8"), "rules.toml of cozone")
    try:
        return parse_rules(path.read_text("utf-8-sig"), str(path))
    except FileNotFoundError as error:
        raise InvalidDescription(f"{path}: no such file; give a rule file, or leave access.rules out") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidDescription(f"{path}: cannot be read as UTF-8 text: {error}") from error


def parse_rules(text: str, origin: str) -> Rules:
    """The rules of a text; ``origin`` names it in errors."""
    try:
        table: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidDescription(f"{origin}: not valid TOML: {error}") from error
    if "text" in table:
        raise InvalidDescription(f"{origin}: the key `text` is not one of a rule file; take it out")
    try:
        return Rules.model_validate({**table, "text": text})
    except ValidationError as error:
        raise InvalidDescription(f"{origin}: {fault_lines(error, Rules)}") from error


_CODE = re.compile(r"^([A-T])?(\d{2,4})$")


def names_industry(wanted: str, industry: str) -> bool:
    """Whether an industry's text holds the wanted word, or a code of GB/T 4754 that begins with the wanted one."""
    code = _CODE.match(wanted.strip().upper())
    if code is None:
        return wanted.strip().casefold() in industry.casefold()
    letter = code[1] or "[A-T]"
    return re.search(rf"(?<![A-Z0-9])(?:{letter})?{code[2]}\d{{0,2}}(?![0-9])", industry.upper()) is not None
