"""Zone: from the emissions of a run to a finished zoning. The order of this page is that of docs/methods.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.hotspots.concentration import concentration_matrix
from gis.hotspots.domain import Domain
from gis.hotspots.emissions import Emissions
from gis.hotspots.evidence import Evidence, evidence
from gis.hotspots.membership import Membership, membership
from gis.hotspots.neighbours import Contiguity, Neighbourhood, neighbourhood
from gis.hotspots.overlap import overlap
from gis.hotspots.ranks import Mode, Order, RankLayer, order_of
from gis.hotspots.uncertainty import read_error_sizes
from gis.regions.model import Regions
from gis.zoning.access import access_list
from gis.zoning.apeq import APEQ, with_apeq
from gis.zoning.cells import Findings, Marks, cell_table, cell_tiers
from gis.zoning.classes import class_table, rule_table
from gis.zoning.delineation import Delineation, Kept, delineate, keep
from gis.zoning.heat import Heat, hot_set_table, layers_by_order
from gis.zoning.history import Known, Read, history_of
from gis.zoning.ledger import check_zoning, zoning_ledger
from gis.zoning.model import TABLES, Zoning, columns_of
from gis.zoning.notes import notes_of
from gis.zoning.outlines import outlines
from gis.zoning.owners import owners_of
from gis.zoning.parameters import Parameters
from gis.zoning.quotients import region_sectors, sector_table
from gis.zoning.rules import Rules
from gis.zoning.scores import pollutant_weights
from gis.zoning.sensitivity import deciding, sensitivity
from gis.zoning.shapes import UnitShapes, unit_shapes
from gis.zoning.sources import Provenance
from gis.zoning.statements import evidence_row, hotspot_table, listed_table, totals_table
from gis.zoning.units import Units, conflict_table, tier_table, unit_of_cell, unit_table, units_of

__all__ = ["Subject", "zone"]

Progress = Callable[[str, int, int], None]
Floats = NDArray[np.float64]
# Sources named for every unit and species.
_TOP = 10


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Subject:
    """What is zoned: the emissions of a run's year, its other years, its regions, and who stands behind the emissions.

    ``read`` gives amounts of other years, ``sector_tier`` the tier of most of the mass of each species and sector, ``input_t`` what the
    run's layers of the year hold, by species.
    """

    run_id: str
    run_name: str
    years: tuple[int, ...]
    emissions: Emissions
    read: Read
    regions: Regions
    provenance: Provenance
    sector_tier: Mapping[tuple[str, str], str]
    input_t: Mapping[str, float]
    missing: tuple[str, ...] = ()


def zone(subject: Subject, parameters: Parameters, rules: Rules, *, progress: Progress | None = None) -> Zoning:
    """The zoning of a subject. Nothing in it depends on the number of threads, and everything random on the seed."""
    return _Work(subject, parameters, rules, progress).run()


class _Work:
    """One zoning under way: what several steps share."""

    def __init__(self, subject: Subject, parameters: Parameters, rules: Rules, progress: Progress | None) -> None:
        self.subject = subject
        self.parameters = parameters
        self.rules = rules
        self._progress = progress
        emissions = subject.emissions
        pollutants = len(emissions.species) - 1
        if pollutants < 1:
            raise InvalidParameter(
                f"run {subject.run_id} has none of the pollutants {', '.join(parameters.pollutants)}; a zoning needs one at least"
            )
        if parameters.apeq is not None:
            self.emissions = with_apeq(emissions, parameters.apeq.weights)
            self.classes, self.rule_table = _apeq_tables(pollutants)
        else:
            self.emissions = emissions
            self.classes = class_table(pollutants, parameters.hot.min_pollutants)
            self.rule_table = rule_table(pollutants, parameters.hot.min_pollutants)
        self.domain = emissions.domain
        self.species = self.emissions.species
        self._evidence_rows = pd.DataFrame()
        self.weights = pollutant_weights(emissions.species[1:], parameters.score.weights)

    def _tell(self, stage: str) -> None:
        if self._progress is not None:
            self._progress(stage, 0, 0)

    def run(self) -> Zoning:
        """The zoning, its ledger checked."""
        self._tell("hot sets")
        heat = Heat.of(self.domain, self.species, self.emissions.amount_t, self.parameters.hot)
        delineation = self._delineated(heat)
        kept = self._kept(delineation)
        found = self._found(heat, delineation, kept)
        self._tell("units")
        # All at once, so that hotspots and units share every vertex of their borders.
        polygons = outlines(self.domain, delineation.patch, np.ones(len(delineation.patches), np.bool_))
        shapes = self._shapes(delineation, kept, polygons)
        units = self._units(found, shapes)
        tables = (
            self._cell_tables(found, kept, shapes, polygons)
            | self._statistics(found)
            | self._unit_tables(found, shapes, units)
        )
        tables["notes"] = notes_of(self.subject, self.parameters, found, tables)
        check_zoning(tables["ledger"])
        return Zoning(
            run_id=self.subject.run_id, run_name=self.subject.run_name, year=self.emissions.year, grid=self.domain.grid,
            parameters=self.parameters, rules=self.rules.text, species=self.species, sectors=self.emissions.sectors,
            tables={name: _ordered(tables[name], name, self.species) for name in TABLES},
            about=self._about(found), rasters={"tier": self.domain.on_grid(found.tier)},
        )  # fmt: skip

    # -- which cells --------------------------------------------------------------------------------------------------

    def _delineated(self, heat: Heat) -> Delineation:
        return delineate(
            self.domain, heat.bits, heat.bits_low, classes=self.classes, rules=self.rule_table,
            hole_cells=self.parameters.delineation.hole_cells,
        )  # fmt: skip

    def _found(self, heat: Heat, delineation: Delineation, kept: Kept) -> Findings:
        near = self._near()
        self._tell("evidence")
        marks = self._evidence(near, heat)
        self._tell("years")
        known = Known(self.emissions.year, heat.bits, tuple(m.z for m in marks))
        history = history_of(
            self.domain, self.subject.years, self.species, self._year, near, self.parameters.hot, known
        )
        drawn = np.where(kept.kept, np.cumsum(kept.kept) - 1, -1).astype(np.int32)
        return Findings(
            self.emissions, heat, delineation, marks, self._membership(heat, delineation, drawn), drawn, history,
            cell_tiers(heat, marks, delineation, self.classes, self.rule_table, self.parameters),
            history.years_met(delineation.klass, self.rule_table), _proxy_share(self.emissions),
        )  # fmt: skip

    def _year(self, year: int, species: str) -> tuple[Floats, Floats]:
        """Amounts of another year; the equivalent is made of its pollutants."""
        if species != APEQ or self.parameters.apeq is None:
            return self.subject.read(year, species)
        parts = [(w, *self.subject.read(year, s)) for s, w in self.parameters.apeq.weights.items() if s in self.species]
        inside: Floats = sum((w * a for w, a, _ in parts), np.zeros(self.domain.size))
        around: Floats = sum((w * b for w, _, b in parts), np.zeros(len(self.domain.around)))
        return inside, around

    def _near(self) -> Neighbourhood:
        wanted = self.parameters.evidence
        return neighbourhood(self.domain.grid, Contiguity(wanted.neighbours), band_m=wanted.band_m)

    def _evidence(self, near: Neighbourhood, heat: Heat) -> tuple[Marks, ...]:
        """The evidence of every species; that without shared mass goes into the table alone, and none is held whole."""
        emissions = self.emissions
        layers = heat.by_order[Order.DENSITY]
        whole, marks = [], []
        for s, one, carbon in self._in_turn(self.domain, emissions.amount_t, emissions.around_t, near, layers):
            whole.append(evidence_row(emissions, heat.bits, one, carbon, s, self.parameters, free=False))
            marks.append(Marks.of(one))
        # What of the mass around the domain rests on shared proxies is not known: without that mass, the domain stands alone.
        alone = Domain(self.domain.grid, self.domain.cells, np.zeros(0, np.int64))
        free_t = (emissions.free_t(s) for s in self.species)
        none = np.zeros((len(self.species), 0))
        free = [
            evidence_row(emissions, heat.bits, one, carbon, s, self.parameters, free=True)
            for s, one, carbon in self._in_turn(alone, free_t, none, near, None)
        ]
        self._evidence_rows = pd.DataFrame([*whole, *free])
        return tuple(marks)

    def _in_turn(
        self,
        domain: Domain,
        amount_t: Iterable[Floats],
        around_t: Floats,
        near: Neighbourhood,
        layers: Sequence[RankLayer] | None,
    ) -> Iterator[tuple[int, Evidence, Evidence]]:
        """Position, evidence and carbon's evidence of each species, one after the other."""
        wanted = self.parameters.evidence
        carbon: Evidence | None = None
        for s, amounts in enumerate(amount_t):
            one = evidence(
                domain, amounts, around_t[s], near, alpha=wanted.alpha, draws=wanted.draws,
                seed=self.parameters.membership.seed, layer=None if layers is None else layers[s],
            )  # fmt: skip
            carbon = carbon or one
            yield s, one, carbon

    def _membership(self, heat: Heat, delineation: Delineation, drawn: NDArray[np.int32]) -> Membership | None:
        wanted = self.parameters.membership
        if wanted.draws == 0:
            return None
        self._tell("membership")
        owners = owners_of(self.domain, self.subject.regions)
        sizes = read_error_sizes().with_overrides(
            [e.model_dump() for e in wanted.errors], cell={str(t): s for t, s in wanted.cell.items()}
        )
        base = self.subject.emissions
        combine = None
        if self.parameters.apeq is not None:
            row = np.array([self.parameters.apeq.weights.get(s, 0.0) for s in base.species])
            combine = np.vstack((np.eye(len(base.species)), row))
        patch = np.append(drawn, np.int32(-1))[delineation.patch]
        return membership(
            base, sizes, wanted=(delineation.patch >= 0) | (heat.bits > 0),
            mode=Mode(self.parameters.hot.mode), q=self.parameters.hot.q, draws=wanted.draws, seed=wanted.seed,
            region=owners.of_cell, region_key=owners.keys, klass=delineation.klass, rule=self.rule_table,
            sector_tier=self.subject.sector_tier, patch=patch,
            patches=int(drawn.max(initial=-1)) + 1, combine=combine,
            tie_overshoot=self.parameters.hot.tie_overshoot,
        )  # fmt: skip

    # -- which units --------------------------------------------------------------------------------------------------

    def _kept(self, delineation: Delineation) -> Kept:
        wanted = self.parameters.delineation
        base = self.subject.emissions
        return keep(
            delineation,
            self.domain,
            base.amount_t,
            base.species,
            min_cells=wanted.min_cells,
            min_share=wanted.min_share,
        )

    def _shapes(self, delineation: Delineation, kept: Kept, polygons: NDArray[np.object_]) -> UnitShapes:
        wanted = polygons.copy()
        wanted[~kept.kept] = None
        return unit_shapes(
            self.domain, self.subject.emissions, self.subject.provenance.points, self.subject.regions, wanted, delineation.patch,
            delineation.patches["class"].to_numpy(np.uint8), kept.kept, self.parameters.snapping,
        )  # fmt: skip

    def _units(self, found: Findings, shapes: UnitShapes) -> Units:
        return units_of(
            found, self.subject.emissions, self.subject.provenance.points, shapes, self.weights, self.parameters
        )

    # -- tables -------------------------------------------------------------------------------------------------------

    def _cell_tables(
        self, found: Findings, kept: Kept, shapes: UnitShapes, polygons: NDArray[np.object_]
    ) -> dict[str, pd.DataFrame]:
        return {
            "cells": cell_table(found, self.parameters, unit_of_cell(shapes, found.rows)),
            "hotspots": hotspot_table(found, kept, polygons),
            "listed": listed_table(found, kept),
            "hot_sets": hot_set_table(found.heat),
        }

    def _statistics(self, found: Findings) -> dict[str, pd.DataFrame]:
        self._tell("overlap")
        emissions, heat, hot = self.emissions, found.heat, self.parameters.hot
        free_t = np.stack([emissions.free_t(s) for s in self.species])
        free = layers_by_order(self.domain, free_t)[order_of(heat.mode)]
        table = overlap(
            self.domain, heat.layers, species=self.species, amount_t=emissions.amount_t, mode=heat.mode, q=hot.q,
            tie_overshoot=hot.tie_overshoot, shifts=self.parameters.overlap.shifts, support=self.parameters.overlap.support,
            seed=self.parameters.membership.seed, free=free, free_t=free_t,
        )  # fmt: skip
        self._tell("sensitivity")
        variants, stable = sensitivity(self.domain, *deciding(heat.by_order, self.parameters))
        curves = concentration_matrix(
            self.domain,
            self.species,
            emissions.amount_t,
            layers=heat.by_order[Order.DENSITY],
            shares=self.parameters.sweep,
        )
        return {
            "overlap": table, "sensitivity": variants, "stability": stable, "concentration": curves,
            "evidence": self._evidence_rows, "totals": totals_table(found, self.parameters),
        }  # fmt: skip

    def _unit_tables(self, found: Findings, shapes: UnitShapes, units: Units) -> dict[str, pd.DataFrame]:
        self._tell("attributes")
        base, provenance = self.subject.emissions, self.subject.provenance
        table = unit_table(found, shapes, units, self.parameters)
        names = table["unit"].astype(str).tolist()
        sectors = sector_table(
            names, base.species, base.sectors, units.amounts.by_sector_t, region_sectors(base), self.weights
        )
        sources = provenance.contributors(shapes.shares, shapes.point_unit, top=_TOP)
        sources["unit"] = (
            np.array(names, dtype=object)[sources["unit"]] if len(sources) else sources["unit"].astype(str)
        )
        conflicts, conflict_t = conflict_table(found, base, provenance.points, shapes, self.parameters)
        taken = shapes.shares.sum(axis=0) + shapes.conflict_shares.sum(axis=0)
        ledger = zoning_ledger(
            base, provenance.points, units_t=units.amounts.amount_t, conflicts_t=conflict_t, taken=np.asarray(taken).ravel(),
            point_taken=(shapes.point_unit >= 0) | (shapes.point_conflict >= 0),
            input_t=np.array([self.subject.input_t[s] for s in base.species]),
        )  # fmt: skip
        access = access_list(table, sectors, sources, self.rules, species=base.species)
        return {
            "units": table, "sectors": sectors, "tiers": tier_table(names, units.amounts, base), "contributors": sources,
            "conflicts": conflicts, "ledger": ledger, "access": access,
        }  # fmt: skip

    def _about(self, found: Findings) -> dict[str, Any]:
        domain, member = self.domain, found.membership
        return {
            "cells": domain.size, "cells_around": len(domain.around), "area_km2": domain.total_area_km2,
            "years": list(self.subject.years), "missing_pollutants": list(self.subject.missing),
            "weights": dict(zip(self.subject.emissions.species[1:], self.weights.tolist(), strict=True)),
            "membership": dict(member.record) if member is not None else None,
            "distortion": domain.grid.describe_area() or "",
        }  # fmt: skip


def _apeq_tables(pollutants: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Classes and rules where one equivalent, the bit after the pollutants', decides for all of them."""
    bits = np.arange(256)
    pair = (bits & 1) | ((bits >> (pollutants + 1)) & 1) << 1
    return class_table(1, 1)[pair], rule_table(1, 1)[pair]


def _proxy_share(emissions: Emissions) -> Floats:
    """Share of every cell's mass that rests on shared proxies, the mean over the species that it has."""
    some = emissions.amount_t > 0
    share = np.divide(emissions.shared_t, emissions.amount_t, out=np.zeros_like(emissions.amount_t), where=some)
    mean: Floats = share.sum(axis=0) / np.maximum(some.sum(axis=0), 1)
    return mean


def _ordered(table: pd.DataFrame, name: str, species: Sequence[str]) -> pd.DataFrame:
    return table[columns_of(name, tuple(species))]
