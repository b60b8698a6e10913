"""Access: the draft of the four-part access list, from the units and a rule file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.zoning.classes import CellClass
from gis.zoning.model import TABLES
from gis.zoning.rules import PARTS, Nature, Rule, Rules, When, names_industry, read_rules

__all__ = ["access_list", "without_sources"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

# Shares that miss what a rule asks for by less than this meet it: rounding decides nothing.
_ROUNDING = 1e-12
_NAMED_SOURCES = 3
_SECURES, _PROXY_LED = "blocked: supply_security", "blocked: proxy_led"


def access_list(
    units: pd.DataFrame, sectors: pd.DataFrame, contributors: pd.DataFrame, rules: Rules, *, species: Sequence[str]
) -> pd.DataFrame:
    """The table ``access`` of a zoning: every rule that a unit meets, in the order of units, parts and rules.

    ``units``, ``sectors`` and ``contributors`` are tables of a zoning, ``species`` its species, carbon first. Whatever the rules say:
    a carbon-only unit gets no order about its place, exit advice is blocked where a source secures supply, orders about a place are
    blocked where the unit is proxy-led, and a proxy-led unit is told to verify first.
    """
    facts = _Facts(units, sectors, contributors, tuple(species))
    chosen = [*rules.rules, *_verification(rules)]
    cited = [*(rules.citation(r) for r in rules.rules), *(read_rules(None).citation(r) for r in _verification(rules))]
    parts = list(PARTS)
    rows = [
        (u, parts.index(rule.part), k, industry, condition, blocked)
        for k, rule in enumerate(chosen)
        for u, industry, condition, blocked in facts.rows(rule)
    ]
    rows.sort(key=lambda row: row[:3])
    units_at, _, rules_at, industries, conditions, blocks = zip(*rows, strict=True) if rows else ((),) * 6
    of_rule = {
        "part": [r.part for r in chosen], "rule": [r.id for r in chosen], "advice_zh": [r.advice_zh for r in chosen],
        "advice_en": [r.advice_en for r in chosen], "legal_basis": cited,
    }  # fmt: skip
    table = pd.DataFrame({"industry": industries, "condition": conditions, "blocked": np.array(blocks, np.bool_)})
    table["unit"] = np.array(facts.codes, object)[np.array(units_at, np.int64)]
    for name, texts in of_rule.items():
        table[name] = np.array(texts, object)[np.array(rules_at, np.int64)]
    table = table[list(TABLES["access"])]
    return table.astype({c: "str" for c in table.columns if c != "blocked"})


def without_sources(condition: str) -> str:
    """A condition as those read it who may not see facilities: which sources secure supply is left out."""
    before, named, after = condition.partition(f"{_SECURES} (")
    if not named:
        return condition
    # Owners' names may hold any sign, brackets and semicolons among them; what can follow them is known.
    return before + _SECURES + (f"; {_PROXY_LED}" if after.endswith(f"; {_PROXY_LED}") else "")


def _verification(rules: Rules) -> tuple[Rule, ...]:
    """What tells people to look at proxy-led units, where the file says nothing of the kind."""
    if rules.verifies_proxies():
        return ()
    taken = {r.id for r in rules.rules}
    own = (r for r in read_rules(None).rules if r.nature is Nature.VERIFY and r.when == When(proxy_led=True))
    return tuple(r.model_copy(update={"id": f"cozone-{r.id}" if r.id in taken else r.id}) for r in own)


@dataclass(frozen=True, slots=True)
class _Met:
    """Which units meet a rule, and by which of its sectors, (units, sectors); None where no sector is asked for."""

    units: Bools
    sectors: Bools | None
    industries: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


class _Facts:
    """What rules ask about, as arrays over the units."""

    def __init__(
        self, units: pd.DataFrame, sectors: pd.DataFrame, contributors: pd.DataFrame, species: tuple[str, ...]
    ) -> None:
        self._units, self._species = units, species
        # Rows are written by the hundred thousand: a list is read ten times faster than a row of a frame.
        self._values = {str(c): units[c].tolist() for c in units.columns if c != "geometry"}
        self._region = np.stack([units[f"{s}_share"].to_numpy(np.float64) for s in species], axis=1)
        self.codes = [str(u) for u in units["unit"]]
        position = {u: i for i, u in enumerate(self.codes)}
        if len(position) < len(self.codes):
            raise InvalidParameter("two units have the same code; every unit needs its own")
        self._sectors = tuple(sorted(str(s) for s in sectors["sector"].unique()))
        self._share, self._quotient, self._focus = self._by_sector(sectors, position)
        self._sources = contributors.assign(
            at=[position.get(str(u), -1) for u in contributors["unit"]],
            **{c: contributors[c].fillna("").astype(str) for c in ("source_id", "name_zh", "name_en", "industry")},
        )
        secures = np.zeros(len(units), np.bool_)
        flagged = self._sources[self._sources["supply_security"].astype(bool) & (self._sources["at"] >= 0)]
        secures[flagged["at"].to_numpy(np.int64)] = True
        self._secures = secures | units["supply_security"].to_numpy(bool)
        self._why_secures = self._secured_by(flagged)

    def _by_sector(self, sectors: pd.DataFrame, position: Mapping[str, int]) -> tuple[Floats, Floats, Bools]:
        shape = (len(self.codes), len(self._species), len(self._sectors))
        share, quotient, focus = np.zeros(shape), np.zeros(shape), np.zeros((shape[0], shape[2]), np.bool_)
        names = {s: k for k, s in enumerate(self._sectors)}
        kinds = {s: k for k, s in enumerate(self._species)}
        strange = [u for u in sectors["unit"].unique() if u not in position]
        if strange:
            raise InvalidParameter(f"the sectors of unit {strange[0]!r} are given, which is not among the units")
        u = sectors["unit"].map(position).to_numpy(np.int64)
        s = sectors["species"].map(kinds).to_numpy(np.int64)
        k = sectors["sector"].map(names).to_numpy(np.int64)
        share[u, s, k], quotient[u, s, k] = sectors["share"], np.nan_to_num(sectors["quotient"].to_numpy(np.float64))
        focus[u, k] |= sectors["focus"].to_numpy(bool)
        return share, quotient, focus

    def _secured_by(self, flagged: pd.DataFrame) -> dict[int, str]:
        """The largest sources that secure supply, unit by unit, as they stand in a condition."""
        ordered = flagged.sort_values(["at", "position", "part", "source_id"], kind="stable")
        once = ordered.drop_duplicates(["at", "part", "source_id"])
        names: dict[int, list[str]] = {}
        for at, code, zh, en in zip(once["at"], once["source_id"], once["name_zh"], once["name_en"], strict=True):
            names.setdefault(int(at), []).append(f"{code} {zh or en}".strip())
        return {at: ", ".join(found[:_NAMED_SOURCES]) for at, found in names.items()}

    # -- who meets a rule -------------------------------------------------------------------------------------------

    def rows(self, rule: Rule) -> list[tuple[int, str, str, bool]]:
        """The rows of a rule: position of the unit, industry, condition, and whether it is blocked."""
        met = self._met(rule)
        known: dict[tuple[object, ...], str] = {}
        asked = [self._values[c] for c in ("class", "tier", "robustness", "fit")]
        out = []
        for u, held in self._held(met):
            named = met.industries.get(u, ())
            key = tuple(values[u] for values in asked)
            if key not in known:
                known[key] = "; ".join(self._kind_facts(rule.when, u))
            reasons = self._blocked(rule, u)
            facts = [
                known[key],
                *self._own_facts(rule.when, u, held),
                *(f"industry: {text}" for text in named),
                *reasons,
            ]
            out.append((u, "; ".join(named or [self._sectors[k] for k in held]), "; ".join(facts), bool(reasons)))
        return out

    def _held(self, met: _Met) -> list[tuple[int, list[int]]]:
        """The units that meet a rule, each with the sectors by which it does."""
        held: dict[int, list[int]] = {int(u): [] for u in np.flatnonzero(met.units)}
        if met.sectors is not None:
            for u, k in zip(*(i.tolist() for i in np.nonzero(met.sectors & met.units[:, None])), strict=True):
                held[u].append(k)
        return list(held.items())

    def _met(self, rule: Rule) -> _Met:
        units = self._unit_conditions(rule.when)
        if rule.part == "spatial" or rule.nature.of_place:
            # Pollution is local, a tonne of CO2 is not: carbon alone is no ground for an order about a place.
            units &= self._texts("class") != CellClass.CARBON_ONLY.code
        sectors = self._sector_conditions(rule) if rule.sectors or rule.when.of_sector else None
        industries = self._industries(rule, sectors) if rule.industry else {}
        if sectors is not None:
            units = units & sectors.any(axis=1)
        if rule.industry:
            units = units & np.isin(np.arange(len(units)), list(industries))
        return _Met(units, sectors, industries)

    def _unit_conditions(self, when: When) -> Bools:
        out = np.ones(len(self.codes), np.bool_)
        for column, wanted in (
            ("class", when.classes), ("tier", when.tier), ("robustness", when.robustness), ("fit", when.fit),
        ):  # fmt: skip
            if wanted:
                out &= np.isin(self._texts(column), wanted)
        flags = (
            (when.proxy_led, lambda: self._units["proxy_led"].to_numpy(bool)),
            (when.supply_security, lambda: self._secures),
            (when.conflict, lambda: self._units["conflicts"].to_numpy(np.int64) > 0),
            (when.cross_jurisdiction, lambda: self._texts("cross_id") != ""),
            (when.review, lambda: self._texts("review") != ""),
        )
        for expected, flag in flags:
            if expected is not None:
                out &= flag() == expected
        if when.years_hot is not None:
            out &= self._units["years_hot"].to_numpy(np.int64) >= when.years_hot
        for name, least in when.unit_share.items():
            out &= self._greatest(name, self._region) >= least - _ROUNDING
        return out

    def _sector_conditions(self, rule: Rule) -> Bools:
        """Which of its sectors meet what a rule asks of a sector, (units, sectors); one without mass meets nothing."""
        wanted = np.isin(self._sectors, rule.sectors) if rule.sectors else np.ones(len(self._sectors), np.bool_)
        out = (self._share > 0).any(axis=1) & wanted
        if rule.when.focus is not None:
            out &= self._focus == rule.when.focus
        for limits, values in ((rule.when.sector_share, self._share), (rule.when.quotient, self._quotient)):
            for name, least in limits.items():
                out &= self._greatest(name, values) >= least - _ROUNDING
        return out

    def _industries(self, rule: Rule, sectors: Bools | None) -> dict[int, tuple[str, ...]]:
        """The industries of large sources that a rule names, unit by unit."""
        texts = [
            t for t in self._sources["industry"].unique() if t and any(names_industry(w, t) for w in rule.industry)
        ]
        found = self._sources[self._sources["industry"].isin(texts) & (self._sources["at"] >= 0)]
        names = {s: k for k, s in enumerate(self._sectors)}
        out: dict[int, set[str]] = {}
        for at, sector, text in zip(found["at"], found["sector"], found["industry"], strict=True):
            if sectors is None or (sector in names and sectors[at, names[sector]]):
                out.setdefault(int(at), set()).add(text)
        return {at: tuple(sorted(found_texts)) for at, found_texts in sorted(out.items())}

    def _texts(self, column: str) -> NDArray[np.str_]:
        return self._units[column].fillna("").to_numpy(str)

    def _greatest(self, name: str, values: Floats) -> Floats:
        """The values (second axis: species) of a species, or the greatest of those that carbon, pollutant or any stands for."""
        chosen = [self._species.index(s) for s in self._meant(name)]
        if not chosen:
            return np.full(values[:, 0].shape, -1.0)
        greatest: Floats = values[:, chosen].max(axis=1)
        return greatest

    def _meant(self, name: str) -> tuple[str, ...]:
        groups = {"carbon": self._species[:1], "pollutant": self._species[1:], "any": self._species}
        return groups.get(name, (name,) if name in self._species else ())

    # -- what is said of it -----------------------------------------------------------------------------------------

    def _blocked(self, rule: Rule, u: int) -> list[str]:
        """Why advice is not to be given without a person, in the words of the condition."""
        out = []
        if rule.nature is Nature.EXIT and self._secures[u]:
            source = self._why_secures.get(u, "")
            out.append(_SECURES + (f" ({source})" if source else ""))
        if rule.nature.of_place and self._values["proxy_led"][u]:
            out.append(_PROXY_LED)
        return out

    def _kind_facts(self, when: When, u: int) -> list[str]:
        """Facts that units of one class, tier, robustness and fit share, the same in every language."""
        out = [f"class = {self._values['class'][u]}"]
        for name, asked in (("tier", when.tier), ("robustness", when.robustness), ("fit", when.fit)):
            out += [f"{name} = {self._values[name][u]}"] if asked else []
        for name in ("proxy_led", "supply_security", "conflict", "cross_jurisdiction", "review"):
            expected = getattr(when, name)
            out += [] if expected is None else [name if expected else f"not {name}"]
        return out

    def _own_facts(self, when: When, u: int, held: Sequence[int]) -> list[str]:
        """A unit's own numbers by which it meets a rule."""
        out = [f"years_hot = {self._values['years_hot'][u]}"] if when.years_hot is not None else []
        for name, least in when.unit_share.items():
            out += [f"share of region: {s} {v:.3g}" for s, v in self._meeting(name, self._region[u], least)]
        for k in held:
            facts = [] if when.focus is None else ["focus" if when.focus else "not focus"]
            for name, least in when.sector_share.items():
                facts += [f"{s} {v:.3g}" for s, v in self._meeting(name, self._share[u, :, k], least)]
            for name, least in when.quotient.items():
                facts += [f"quotient {s} {v:.3g}" for s, v in self._meeting(name, self._quotient[u, :, k], least)]
            out.append(f"{self._sectors[k]}: {', '.join(facts)}" if facts else self._sectors[k])
        return out

    def _meeting(self, name: str, values: Floats, least: float) -> list[tuple[str, float]]:
        """The species meant that reach a limit, with their values."""
        found = [(s, float(values[self._species.index(s)])) for s in self._meant(name)]
        return [(s, v) for s, v in found if v >= least - _ROUNDING]
