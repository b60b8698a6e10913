"""Texts of the tables in the report's language: names for codes, one half of what is said in both, conditions in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from gis.exports.report.numbers import percent
from gis.exports.report.words import WORDS
from gis.exports.styles import CLASS_STYLES, TIER_STYLES
from gis.species import SECTORS, SPECIES
from gis.zoning.model import Zoning
from gis.zoning.reviews import halves

__all__ = ["Note", "Texts"]

_SEVERITIES = ("warning", "note")
_PLAIN = re.compile(r"(class|tier|robustness|fit|years_hot) = (.*)", re.DOTALL)
_SHARE = re.compile(r"(?:(quotient) )?([a-z][a-z0-9_]*) ([0-9.e+-]+)")


@dataclass(frozen=True, slots=True)
class Note:
    """A statement about the zoning: how grave, and its text."""

    severity: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Names and phrases of one language."""

    language: str
    words: Mapping[str, str]
    species: Mapping[str, str]
    sectors: Mapping[str, str]
    classes: Mapping[str, str]
    tiers: Mapping[str, str]
    places: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, zoning: Zoning, language: str, sectors: Iterable[object]) -> Texts:
        """The texts of a zoning; ``sectors`` are entries of its manifest, each with code, name and name_zh."""
        words, zh = WORDS[language], language == "zh"
        key = "name_zh" if zh else "name"
        named = {code: str(getattr(s, key)) for code, s in SECTORS.items()}
        named |= {str(s["code"]): str(s.get(key) or s["name"]) for s in sectors if isinstance(s, Mapping)}
        units = zoning.tables["units"]
        return cls(
            language, words, {c: SPECIES[c].name if c in SPECIES else c for c in zoning.species},
            {code: named.get(code, code) for code in (*zoning.sectors, *named)} | {"": "–"},
            {s.code: s.name_zh if zh else s.name_en for s in CLASS_STYLES} | {"none": words["none"]},
            {s.code: s.name_zh if zh else s.name_en for s in TIER_STYLES} | {"proxy_led": words["proxy_led"], "": "–"},
            dict(zip(units["jurisdiction"].astype(str), units[f"jurisdiction_{language}"].astype(str), strict=True)),
        )  # fmt: skip

    # -- one of two ---------------------------------------------------------------------------------------------------

    def own(self, zh: object, en: object) -> str:
        """The name in the report's language; the other one where there is none."""
        first, second = (zh, en) if self.language == "zh" else (en, zh)
        return _known(first) or _known(second)

    def place(self, code: str, zh: object, en: object) -> str:
        """As ``own``, and where the report's language is missing the jurisdiction's name of that code."""
        return _known(zh if self.language == "zh" else en) or self.places.get(code, "") or self.own(zh, en)

    def half(self, both: str) -> str:
        """The report's half of "Chinese / English". Names in it may hold the sign as well, as often in either half."""
        return halves(both)[0 if self.language == "zh" else 1]

    # -- tables -------------------------------------------------------------------------------------------------------

    def notes(self, table: pd.DataFrame) -> list[Note]:
        """Warnings first; what is said of several species in the same words is said once."""
        sign = self._colon
        folded: dict[tuple[str, str], list[str]] = {}
        for severity, text in zip(table["severity"], table[f"text_{self.language}"], strict=True):
            name = next((n for n in self.species.values() if str(text).startswith(n + sign)), "")
            rest = str(text).removeprefix(name + sign) if name else str(text)
            folded.setdefault((str(severity), rest), []).extend([name] if name else [])
        found = [Note(s, (self._list(names) + sign if names else "") + rest) for (s, rest), names in folded.items()]
        return sorted(found, key=lambda note: _SEVERITIES.index(note.severity) if note.severity in _SEVERITIES else 0)

    def reason(self, text: str) -> str:
        """Why something is listed and no unit."""
        if text.startswith("one pollutant"):
            name = text.removeprefix("one pollutant").removeprefix(": ")
            return self.words["one_pollutant"] + (f" ({self.species.get(name, name)})" if name else "")
        if text.startswith("several pollutants"):
            return self.words["several_pollutants"]
        return self.words["small"] if "small" in text else text

    def industries(self, text: str) -> str:
        """Sectors by name, industries as they came."""
        return self._list(self.sectors.get(part, part) for part in text.split("; ") if part)

    def condition(self, text: str, secured: Sequence[str] = ()) -> str:
        """Why a rule holds for a unit. ``secured`` names the sources that secure supply there."""
        facts, blocked = [], ""
        for part in text.split("; "):
            if part.startswith("blocked: "):
                # The sources of the table may be named in another language, and may hold the sign that separates facts.
                blocked = text[text.index(part) :]
                break
            facts.append(self._fact(part))
        on_hold = [
            self.words[key] + (f" ({', '.join(secured)})" if key == "supply_security" and secured else "")
            for key in ("supply_security", "proxy_led") if f"blocked: {key}" in blocked
        ]  # fmt: skip
        facts += (
            [self.words["blocked"] + self._colon + self._list(on_hold)] if on_hold else [blocked] if blocked else []
        )
        return "; ".join(facts) if self.language == "en" else "；".join(facts)

    def _fact(self, fact: str) -> str:
        w = self.words
        plain = _PLAIN.fullmatch(fact)
        if plain:
            key, value = plain[1], plain[2]
            names = {"class": self.classes, "tier": self.tiers}.get(key, w)
            return w[key] + self._colon + names.get(value, value)
        key = fact.removeprefix("not ")
        if key in ("proxy_led", "supply_security", "conflict", "cross_jurisdiction", "review"):
            return (w["not"] if fact != key else "") + w[f"is_{key}"]
        head, _, tail = fact.partition(": ")
        if head == "share of region":
            return w["region_share"] + self._colon + self._limits(tail)
        if head == "industry":
            return w["industry"] + self._colon + tail
        if head in self.sectors and head:
            return self.sectors[head] + (self._colon + self._limits(tail) if tail else "")
        return fact

    def _limits(self, text: str) -> str:
        """The shares and quotients of a fact, and whether its sector is one that the unit is about."""
        out = []
        for part in text.split(", "):
            found = _SHARE.fullmatch(part)
            if part in ("focus", "not focus"):
                out.append(self.words["focus" if part == "focus" else "not_focus"])
            elif found is None:
                out.append(part)
            else:
                name = self.species.get(found[2], found[2])
                out.append(
                    f"{self.words['quotient']} {name} {found[3]}" if found[1] else f"{name} {percent(float(found[3]))}"
                )
        return self._list(out)

    @property
    def _colon(self) -> str:
        return "：" if self.language == "zh" else ": "

    def _list(self, parts: Iterable[str]) -> str:
        return ("、" if self.language == "zh" else ", ").join(parts)


def _known(text: object) -> str:
    return text if isinstance(text, str) else ""
