"""Error sizes: how uncertain an inventory is, by sector, species and tier, each number with its source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from gis.allocation.tiers import Tier
from gis.errors import InvalidParameter

__all__ = ["ErrorPart", "ErrorSizes", "Size", "read_error_sizes"]

# A larger log error than this would say that nothing is known: 95 % within a factor of 360.
_GREATEST = 3.0


class ErrorPart(StrEnum):
    """What can be wrong with an amount besides its place."""

    ACTIVITY = "activity"
    FACTOR = "factor"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Size:
    """Standard deviation of a log error, and where the number comes from."""

    sigma: float
    source: str

    def __post_init__(self) -> None:
        if not 0.0 <= self.sigma <= _GREATEST:
            raise InvalidParameter(
                f"an error size is {self.sigma!r}; a standard deviation of log errors from 0 to {_GREATEST} is expected "
                "(about u/2 for a 95 % interval of ±u)"
            )
        if not self.source.strip():
            raise InvalidParameter(
                f"the error size {self.sigma} has no source; say where it comes from, or 'judgement'"
            )


@dataclass(frozen=True, slots=True)
class Entry:
    """A size for a part, a sector (None: all) and a species (None: all); ``layer`` is 0 for defaults, 1 for the user's own."""

    part: ErrorPart
    sector: str | None
    species: str | None
    size: Size
    layer: int = 0

    def fits(self, part: ErrorPart, sector: str, species: str) -> bool:
        """Whether the entry says something about it."""
        return self.part is part and self.sector in (None, sector) and self.species in (None, species)

    @property
    def weight(self) -> tuple[int, bool, bool]:
        """Which of several fitting entries holds: the user's before defaults, then the sector's, then the species'."""
        return self.layer, self.sector is not None, self.species is not None


@dataclass(frozen=True, slots=True, eq=False)
class ErrorSizes:
    """Sizes of all errors. Of entries with equal weight the last holds."""

    entries: tuple[Entry, ...]
    cell: Mapping[Tier, Size]

    def __post_init__(self) -> None:
        missing = [t for t in Tier if t not in self.cell]
        if missing:
            raise InvalidParameter(f"error sizes need a cell part for the tiers {', '.join(missing)}")

    def size(self, part: ErrorPart, sector: str, species: str) -> Size:
        """The size of one part of the error of a species in a sector."""
        fitting = [e for e in self.entries if e.fits(part, sector, species)]
        if not fitting:
            raise InvalidParameter(
                f"no size of the {part} error of {species} in {sector}; give one under [[membership.errors]]"
            )
        return max(enumerate(fitting), key=lambda numbered: (*numbered[1].weight, numbered[0]))[1].size

    def with_overrides(
        self, errors: Sequence[Mapping[str, Any]] = (), *, cell: Mapping[str, float] = MappingProxyType({})
    ) -> ErrorSizes:
        """These sizes with the user's own before them.

        ``errors`` are tables of sector, species, activity, factor, total and source, as under ``[[membership.errors]]``; ``cell`` has
        sizes by tier.
        """
        own = [
            Entry(part, table.get("sector"), table.get("species"), Size(float(table[part]), str(table["source"])), 1)
            for table in map(_checked, errors)
            for part in ErrorPart
            if table.get(part) is not None
        ]
        tiers = {Tier(name): Size(float(sigma), "given with the zoning's parameters") for name, sigma in cell.items()}
        return replace(self, entries=(*self.entries, *own), cell={**self.cell, **tiers})

    def scaled(self, factor: float) -> ErrorSizes:
        """All sizes times a factor: 0 for an inventory without errors."""
        if not factor >= 0.0:
            raise InvalidParameter(f"error sizes times {factor!r}; a factor of 0 or more is expected")

        def of(size: Size) -> Size:
            return Size(size.sigma * factor, f"{size.source} (times {factor:g})")

        entries = tuple(replace(e, size=of(e.size)) for e in self.entries)
        return ErrorSizes(entries, {tier: of(size) for tier, size in self.cell.items()})


def _checked(table: Mapping[str, Any]) -> Mapping[str, Any]:
    known = {"sector", "species", "source", *ErrorPart}
    strange = sorted(set(table) - known)
    if strange:
        raise InvalidParameter(f"error sizes have {', '.join(strange)}; expected are {', '.join(sorted(known))}")
    if all(table.get(part) is None for part in ErrorPart):
        raise InvalidParameter(
            f"an entry of error sizes needs one of {', '.join(ErrorPart)}; this has none: {dict(table)}"
        )
    if not str(table.get("source") or "").strip():
        raise InvalidParameter(f"an entry of error sizes needs a source, or the word judgement: {dict(table)}")
    return table


def read_error_sizes() -> ErrorSizes:
    """The documented defaults that come with cozone."""
    table = tomllib.loads(files("gis.hotspots").joinpath("uncertainty.toml").read_text("utf-8"))
    entries = [
        Entry(part, row.get("sector"), row.get("species"), Size(float(row["sigma"]), row["source"]))
        for part in ErrorPart
        for row in table[part]
    ]
    cell = {Tier(name): Size(float(row["sigma"]), row["source"]) for name, row in table["cell"].items()}
    return ErrorSizes(tuple(entries), cell)
