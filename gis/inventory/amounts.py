"""Amounts of a table: which columns hold them, what they mean, and their mass in tonnes per year."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidDescription, UnknownName, UnknownUnit
from gis.inventory.description import Part
from gis.inventory.numbers import numbers
from gis.inventory.refusals import Refusals
from gis.inventory.rows import Table, coded
from gis.inventory.scope import LEFT_OUT, Reason, Scope, year_of
from gis.inventory.selection import matches_all, matches_any
from gis.species import Species
from gis.units import Unit, split_heading, unit

__all__ = ["Measure", "Measured", "measure", "measures_of"]

Codes = NDArray[np.int64]
_NOWHERE = -2
# More distinct texts than any list of sectors, species, units or years has.
_MOST_NAMES = 5000
_DENSITY = (
    "unit {!r} is an amount per area, and a source has an amount; multiply by its area first, or describe the file as a "
    "gridded part"
)


@dataclass(frozen=True, slots=True)
class Measure:
    """One column of amounts; what is constant in it is a text, what varies by row is the heading of a column."""

    column: str
    species: str | None = None
    species_column: str | None = None
    unit: str | None = None
    unit_column: str | None = None
    sector: str | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One measure of every row: positions of species, sector and year, mass, and why an amount does not count.

    ``origin`` is the sector as the file writes it: two names of one sector are two amounts, not a row that stands twice.
    """

    measure: Measure
    species: Codes
    sector: Codes
    year: Codes
    mass_t: NDArray[np.float64]
    reason: NDArray[np.int8]
    empty: NDArray[np.bool_]
    origin: Codes
    origins: Sequence[str]
    species_code: Codes
    species_codes: Sequence[str]

    def unread_t(self) -> dict[tuple[str, str], float]:
        """Mass by reason and species code of what is not read, except what is refused."""
        out: dict[tuple[str, str], float] = {}
        for reason in (Reason.NOT_SELECTED, Reason.TOTAL, Reason.OTHER_YEAR, Reason.OTHER_SPECIES, Reason.LEFT_OUT):
            hit = np.flatnonzero((self.reason == reason) & np.isfinite(self.mass_t))
            for position, code in enumerate(self.species_codes):
                mine = self.mass_t[hit[self.species_code[hit] == position]]
                if len(mine):
                    # fsum: the same total whatever the order of rows.
                    out[reason.text, code] = math.fsum(mine)
        return out


def measures_of(part: Part) -> list[Measure]:
    """The columns of amounts of a part, units found in their headings where the description gives none."""
    if part.long is not None:
        long = part.long
        fixed = None if long.unit_column else (long.unit or _unit_in(long.value, part))
        return [Measure(long.value, species_column=long.species, unit=fixed, unit_column=long.unit_column)]
    return [
        Measure(
            a.column, species=a.species, unit=a.unit or _unit_in(a.column, part), sector=a.sector, year=a.year
        )
        for a in part.amounts
    ]  # fmt: skip


def _unit_in(heading: str, part: Part) -> str:
    text = split_heading(heading)[1]
    if text is None:
        raise InvalidDescription(
            f"part {part.name!r}: the heading {heading!r} holds no unit; give `unit`, such as 't/yr' or '万吨/年'"
        )
    return text


def measure(table: Table, part: Part, scope: Scope, refusals: Refusals) -> list[Measured]:
    """Every measure of a table; rows in error are refused."""
    selected = matches_all(table, part.select)
    total = matches_any(table, part.totals)
    base = np.where(selected, Reason.LIVE, Reason.NOT_SELECTED).astype(np.int8)
    return [_Reader(table, part, scope, refusals, m, total, base.copy()).read() for m in measures_of(part)]


@dataclass(frozen=True, slots=True, eq=False)
class _Names:
    """Names by row: positions into the distinct ones; ``heading`` is empty where one name holds for all rows."""

    codes: Codes
    distinct: Sequence[str]
    heading: str = ""


@dataclass(slots=True, eq=False)
class _Reader:
    """Reads one measure; the steps narrow down which rows are live, and only a live row can be in error."""

    table: Table
    part: Part
    scope: Scope
    refusals: Refusals
    measure: Measure
    total: NDArray[np.bool_]
    reason: NDArray[np.int8]

    def read(self) -> Measured:
        m, part, columns = self.measure, self.part, self.part.columns
        year = None if m.year is None else str(m.year)
        years = self._names("year", year, columns.year, None if part.year is None else str(part.year))
        year_numbers, year_positions = self._years(years)
        kinds = self._names("species", m.species, m.species_column, None)
        species, species_positions = self._species(kinds)
        self.reason[(self.reason == Reason.LIVE) & self.total] = Reason.TOTAL
        sectors = self._names("sector", m.sector, columns.sector, part.sector)
        sector_positions = self._sectors(sectors)
        units = self._names("unit", m.unit, m.unit_column, None)
        mass_t, empty = self._mass(years, year_numbers, kinds, species, units)
        codes = [s.code if s is not None else name for s, name in zip(species, kinds.distinct, strict=True)]
        return Measured(
            m, species_positions[kinds.codes], sector_positions[sectors.codes], year_positions[years.codes],
            mass_t, self.reason, empty, sectors.codes, sectors.distinct, kinds.codes, codes,
        )  # fmt: skip

    def _names(self, what: str, constant: str | None, heading: str | None, otherwise: str | None) -> _Names:
        if constant is None and heading is None:
            constant = otherwise
        if constant is not None:
            return _Names(np.zeros(len(self.table), np.int64), [constant])
        if heading is None:
            raise InvalidDescription(
                f"part {self.part.name!r}: nothing states the {what} of {self.measure.column!r}; give `{what}` for the part "
                f"or the column, or name the column that holds it"
            )
        codes, distinct = coded(self.table.column(heading))
        if len(distinct) > _MOST_NAMES:
            raise InvalidDescription(
                f"{self.table.name}: column {heading!r} holds {len(distinct)} different texts, too many to be a {what}; "
                f"the first is {distinct[0]!r}. Is it the right column?"
            )
        return _Names(codes, [otherwise if otherwise is not None and not n else n for n in distinct], heading)

    def _refuse(
        self, where: NDArray[np.bool_], rule: str, reason: str, *, column: str = "", together: bool = False
    ) -> None:
        self.refusals.refuse(where, rule=rule, reason=reason, column=column, together=together)

    def _unknown(self, names: _Names, position: int, rule: str, reason: str) -> None:
        """Refuse the live rows with a name that means nothing here; a constant one is a fault of the description."""
        if not names.heading:
            raise InvalidDescription(f"part {self.part.name!r}, {self.measure.column!r}: {reason}")
        where = (names.codes == position) & (self.reason == Reason.LIVE) & ~self.total
        self._refuse(where, rule, reason, column=names.heading, together=True)

    def _years(self, names: _Names) -> tuple[Codes, Codes]:
        numbers_of = [year_of(text) for text in names.distinct]
        for position, year in enumerate(numbers_of):
            if year is None:
                text = names.distinct[position]
                reason = f"{text!r} is not a calendar year" if text else "the year is missing"
                self._unknown(names, position, "invalid-year", f"{reason}; expected one such as {self.scope.years[0]}")
        positions = np.array([-1 if y is None else self.scope.year_position(y) for y in numbers_of], np.int64)
        unread = np.array([y is not None for y in numbers_of], np.bool_) & (positions < 0)
        self._set(Reason.OTHER_YEAR, unread, names)
        return np.array([-1 if y is None else y for y in numbers_of], np.int64), positions

    def _set(self, reason: Reason, names_hit: NDArray[np.bool_], names: _Names) -> None:
        if names_hit.any():
            self.reason[(self.reason == Reason.LIVE) & names_hit[names.codes]] = reason

    def _species(self, names: _Names) -> tuple[list[Species | None], Codes]:
        found: list[Species | None] = []
        positions = np.full(len(names.distinct), -1, np.int64)
        for i, name in enumerate(names.distinct):
            try:
                positions[i], species = self.scope.species_named(name)
                found.append(species)
            except UnknownName as error:
                found.append(None)
                self._unknown(names, i, "unknown-species", str(error))
        self._set(Reason.OTHER_SPECIES, np.array([s is not None for s in found], np.bool_) & (positions < 0), names)
        return found, positions

    def _sectors(self, names: _Names) -> Codes:
        positions = np.full(len(names.distinct), _NOWHERE, np.int64)
        live = self.reason == Reason.LIVE
        for i in np.flatnonzero(np.bincount(names.codes[live], minlength=1)).tolist():
            name = names.distinct[i]
            try:
                if not name:
                    raise UnknownName("the sector is missing; give `sector` for the part, or fill the cell")
                positions[i] = self.scope.sector_named(name, self.part)
            except UnknownName as error:
                self._unknown(names, i, "unknown-sector", str(error))
        self._set(Reason.LEFT_OUT, positions == LEFT_OUT, names)
        return positions

    def _mass(
        self, years: _Names, year_numbers: Codes, kinds: _Names, species: Sequence[Species | None], units: _Names
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        heading = self.measure.column
        amounts = numbers(self.table.column(heading))
        factor = self._factors(years, year_numbers, kinds, species, units)
        with np.errstate(over="ignore", invalid="ignore"):
            mass_t = amounts.values * factor
        live = self.reason == Reason.LIVE
        self._refuse(live & amounts.bad, "unparsable-number", "not a number; expected one like 1234.5", column=heading)
        infinite = live & (np.isinf(amounts.values) | (np.isinf(mass_t) & np.isfinite(amounts.values)))
        self._refuse(infinite, "infinite-amount", "an amount has to be finite", column=heading)
        self._refuse(live & (amounts.values < 0), "negative-amount", "an amount cannot be negative", column=heading)
        return mass_t, amounts.empty

    def _factors(
        self, years: _Names, year_numbers: Codes, kinds: _Names, species: Sequence[Species | None], units: _Names
    ) -> NDArray[np.float64]:
        """Tonnes per year in one of the row's unit; NaN where unit, species or year cannot be read."""
        read: list[Unit | None] = [self._unit(units, i) for i in range(len(units.distinct))]
        # Days, months and seconds of the row's own year: one factor a combination that occurs.
        shape = (len(years.distinct), len(kinds.distinct), len(units.distinct))
        combination = (years.codes * shape[1] + kinds.codes) * shape[2] + units.codes
        seen, inverse = (
            (combination[:1], np.zeros(len(combination), np.int64))
            if shape == (1, 1, 1)
            else np.unique(combination, return_inverse=True)
        )
        factors = np.full(len(seen), np.nan)
        for k, (y, s, u) in enumerate(zip(*np.unravel_index(seen, shape), strict=True)):
            unit_read, kind = read[int(u)], species[int(s)]
            if unit_read is None or year_numbers[y] < 0 or (unit_read.needs_species and kind is None):
                continue
            try:
                code, molar = (None, None) if kind is None else (kind.code, kind.molar_mass_g)
                factors[k] = unit_read.tonnes_per_year(year=int(year_numbers[y]), species=code, molar_mass_g=molar)
            except UnknownUnit as error:
                where = (inverse == k) & (self.reason == Reason.LIVE)
                self._refuse(where, "unknown-unit", str(error), column=units.heading, together=True)
        return factors[inverse]

    def _unit(self, names: _Names, position: int) -> Unit | None:
        text = names.distinct[position]
        try:
            found = unit(text) if text else None
            if found is not None and not found.is_density:
                return found
            rule, reason = ("unknown-unit", "the unit is missing") if found is None else ("density-unit", _DENSITY)
        except UnknownUnit as error:
            rule, reason = "unknown-unit", str(error)
        self._unknown(names, position, rule, reason.format(text))
        return None
