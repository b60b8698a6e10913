"""Scope: which years, species and sectors an inventory reads, and what the names in its files mean."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum

from gis.errors import UnknownSector, UnknownSpecies
from gis.inventory.description import Description, Part
from gis.species import SECTORS, Sector, Species, find_sector, find_species

__all__ = ["LEFT_OUT", "Reason", "Scope", "year_of"]

# Position of a sector that the description leaves out on purpose.
LEFT_OUT = -1


class Reason(IntEnum):
    """Why an amount is not part of the inventory; the text is the key of `Inventory.unread_t`."""

    LIVE = 0
    NOT_SELECTED = 1
    TOTAL = 2
    OTHER_YEAR = 3
    OTHER_SPECIES = 4
    LEFT_OUT = 5

    @property
    def text(self) -> str:
        """The reason in words."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class Scope:
    """Years in order, species as the description lists them, the twelve sectors and the declared ones."""

    years: tuple[int, ...]
    species: tuple[Species, ...]
    sectors: tuple[Sector, ...]
    declared_species: tuple[Species, ...]
    declared_sectors: tuple[Sector, ...]

    @classmethod
    def of(cls, description: Description) -> Scope:
        """The scope a description states."""
        declared = tuple(Species(s.code, s.name, s.name_zh, s.basis, s.molar_mass_g) for s in description.species)
        sectors = tuple(Sector(s.code, s.name, s.name_zh) for s in description.sectors)
        used = {find_species(name, declared): None for name in description.species_used}
        everything = {**SECTORS, **{s.code: s for s in sectors}}
        years = tuple(sorted(set(description.years)))
        return cls(years, tuple(used), tuple(everything.values()), declared, sectors)

    def species_named(self, name: str) -> tuple[int, Species]:
        """A species and its position, -1 when it is known and not read; an unknown one is an error."""
        if not name:
            raise UnknownSpecies("the species is missing; every amount states its species")
        species = find_species(name, self.declared_species)
        return (self.species.index(species) if species in self.species else -1), species

    def sector_named(self, name: str, part: Part) -> int:
        """The position of the sector a name means in a part, LEFT_OUT where the part maps it to an empty text."""
        if part.sectors.get(name) == "":
            return LEFT_OUT
        sector = find_sector(name, crosswalk=part.crosswalk, mapping=part.sectors, declared=self.declared_sectors)
        return [s.code for s in self.sectors].index(sector.code)

    def sector_or_none(self, name: str, part: Part) -> int:
        """The position of the sector a name means, -1 where it means none or is left out."""
        try:
            return max(self.sector_named(name, part), -1)
        except UnknownSector:
            return -1

    def year_position(self, year: int) -> int:
        """The position of a year, -1 when it is not read."""
        return self.years.index(year) if year in self.years else -1


def year_of(text: str) -> int | None:
    """The calendar year a text means (``2015``, ``2015.0``, ``2015年``), None when it means none."""
    plain = unicodedata.normalize("NFKC", text).strip()
    found = re.fullmatch(r"([0-9]{4})(?:\.0*)?\s*年?", plain)
    return int(found[1]) if found else None
