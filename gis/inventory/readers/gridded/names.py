"""Which species, sector and year a layer means, by the description first, then by its file; and what is passed over."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from gis.errors import UnknownName, UnknownSector, UnknownSpecies, UnknownUnit
from gis.inventory.description import FieldFile, Part
from gis.inventory.findings import Finding, Severity
from gis.inventory.readers.gridded.fields import Found
from gis.inventory.readers.gridded.layer import Layer
from gis.species import Sector, Species, find_sector, find_species
from gis.units import Unit, unit

__all__ = ["Namer", "Wanted"]

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an inventory reads; a field's species, sector and year are positions in these tuples.

    ``sectors`` holds the known and the declared sectors. ``declared`` are the species under ``[[species]]``, read or not: a
    layer of one that is not read counts as "other species", not as an unknown name.
    """

    years: tuple[int, ...]
    species: tuple[Species, ...]
    sectors: tuple[Sector, ...]
    declared: tuple[Species, ...] = ()


class Namer:
    """Resolves the names of layers of one part and collects what it could not."""

    def __init__(self, part: Part, wanted: Wanted) -> None:
        self._part = part
        self._wanted = wanted
        self._errors: list[Finding] = []
        self._skipped: dict[str, Counter[str]] = defaultdict(Counter)

    def skipped(self, reason: str, file: str) -> None:
        """Count a layer, or a file, that is passed over."""
        self._skipped[reason][file] += 1

    def findings(self) -> list[Finding]:
        """Errors and warnings, then a note for each reason layers were passed over."""
        notes = []
        for reason, files in sorted(self._skipped.items()):
            names = list(files)
            shown = ", ".join(names[:_EXAMPLES]) + (", …" if len(names) > _EXAMPLES else "")
            text = f"{files.total()} layer(s) of {len(names)} file(s) are of an{reason.removeprefix('an')} and are not read: {shown}"
            notes.append(
                Finding(Severity.NOTE, reason.replace(" ", "-"), text, part=self._part.name, count=files.total())
            )
        return self._errors + notes

    def name(self, layer: Layer, said: FieldFile | None, crosswalk: str, *, several: bool) -> Found | None:
        """The layer with its names and unit resolved, or None when it is not to be read."""
        try:
            return self._name(layer, said, crosswalk, several)
        except _NotSaid as error:
            self._error(layer, error.rule, str(error), error.value)
        except UnknownSpecies as error:
            self._error(layer, "unknown-species", str(error), layer.species or "")
        except UnknownSector as error:
            self._error(layer, "unknown-sector", str(error), layer.sector or "")
        except UnknownUnit as error:
            self._error(layer, "unknown-unit", str(error), layer.unit or "")
        except UnknownName as error:
            self._error(layer, "unknown-name", str(error), "")
        return None

    def _name(self, layer: Layer, said: FieldFile | None, crosswalk: str, several: bool) -> Found | None:
        year = self._year(layer, said, several)
        if year is None or year not in self._wanted.years:
            self.skipped("other year", layer.name)
            return None
        species = self._species(layer, said)
        if species is None:
            self.skipped("other species", layer.name)
            return None
        sector, left_out = self._sector(layer, said, crosswalk)
        asked = bool(said and said.sector) or (layer.sector or "") in self._part.sectors
        return Found(
            layer=layer,
            unit=self._unit(layer, said),
            species=species,
            sector=sector,
            year=self._wanted.years.index(year),
            calendar_year=year,
            named_sector=layer.sector or "",
            left_out=left_out,
            total=layer.total and not asked,
            entry=-1 if said is None else self._part.fields.index(said),
        )

    def _year(self, layer: Layer, said: FieldFile | None, several: bool) -> int | None:
        """The year of a layer, or None for a step of a file that the description does not pick."""
        stated = said.year if said is not None and said.year is not None else self._part.year
        if stated is None:
            if layer.year is None:
                raise _NotSaid("no-year", "neither the file nor the description says the year; state `year`")
            return layer.year
        if layer.year is not None and layer.year != stated:
            if several:
                return None
            text = f"the description says year {stated}, the file says {layer.year}; {stated} is used"
            self._errors.append(
                Finding(
                    Severity.WARNING, "year-differs", text, part=self._part.name, file=layer.name, value=str(layer.year)
                )
            )
        return stated

    def _species(self, layer: Layer, said: FieldFile | None) -> int | None:
        """Position of the species, or None for one that is known and not read."""
        stated = said.species if said is not None else None
        if stated is None and layer.foreign:
            return None
        text = stated or layer.species
        if text is None:
            raise _NotSaid("no-species", "neither the file nor the description says the species; state `species`")
        try:
            found = find_species(text, (*self._wanted.declared, *self._wanted.species))
        except UnknownSpecies:
            if layer.doubt and stated is None:
                raise _NotSaid("moles-not-mass", layer.doubt, text) from None
            raise
        codes = [s.code for s in self._wanted.species]
        return codes.index(found.code) if found.code in codes else None

    def _sector(self, layer: Layer, said: FieldFile | None, crosswalk: str) -> tuple[int, bool]:
        """Position of the sector, and whether the description leaves it out (the position is then -1)."""
        part = self._part
        text = (said.sector if said is not None else None) or part.sector or layer.sector
        if text is None:
            raise _NotSaid("no-sector", "neither the file nor the description says the sector; state `sector`")
        if part.sectors.get(text) == "":
            return -1, True
        if layer.total and text == layer.sector and text not in part.sectors:
            return -1, False
        chosen = part.crosswalk or crosswalk or None
        sector = find_sector(text, crosswalk=chosen, mapping=part.sectors, declared=self._wanted.sectors)
        codes = [s.code for s in self._wanted.sectors]
        if sector.code not in codes:
            raise UnknownSector(f"sector {sector.code!r} is not among the inventory's sectors {', '.join(codes)}")
        return codes.index(sector.code), False

    def _unit(self, layer: Layer, said: FieldFile | None) -> Unit:
        text = (said.unit if said is not None else None) or layer.unit
        if text is None:
            raise _NotSaid("no-unit", layer.doubt or "neither the file nor the description says the unit; state `unit`")
        found = unit(text)
        kind = said.kind if said is not None else None
        if kind is not None and (kind == "density") != found.is_density:
            per = "per area" if found.is_density else "not per area"
            raise _NotSaid(
                "kind-differs", f"kind is {kind!r} and the unit {text!r} is {per}; correct one of them", text
            )
        return found

    def _error(self, layer: Layer, rule: str, reason: str, value: str) -> None:
        column = layer.what if layer.what not in ("grid", "z", "emission") else ""
        self._errors.append(
            Finding(Severity.ERROR, rule, reason, part=self._part.name, file=layer.name, column=column, value=value)
        )


class _NotSaid(Exception):
    """A name or unit that nothing states."""

    def __init__(self, rule: str, reason: str, value: str = "") -> None:
        super().__init__(reason)
        self.rule = rule
        self.value = value
