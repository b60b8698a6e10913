"""Origins: what a zoning was made of, as tables of the report: sizes of errors with their sources, layers of regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gis.exports.report.texts import Texts

__all__ = ["ErrorTable", "error_table", "run_of"]

_SHARED = ("activity", "total")


@dataclass(frozen=True, slots=True)
class ErrorTable:
    """Sizes of errors: headings, a row a sector or tier, each size with the numbers of its sources, and the sources."""

    headings: tuple[str, ...]
    sectors: tuple[tuple[str, tuple[str, ...]], ...]
    tiers: tuple[tuple[str, str], ...]
    sources: tuple[str, ...]


def error_table(membership: object, species: Sequence[str], texts: Texts) -> ErrorTable | None:
    """The sizes that went into the draws; None where none were made."""
    if not isinstance(membership, Mapping) or not membership.get("errors"):
        return None
    entries: Sequence[Mapping[str, Any]] = membership["errors"]
    numbers: dict[str, int] = {}
    cells: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for entry in entries:
        if entry["part"] != "cell":
            key = entry["part"] if entry["part"] in _SHARED else str(entry["species"])
            cells.setdefault((str(entry["sector"]), key), []).append(entry)
    columns = [_SHARED[0], *species, _SHARED[1]]
    rows = tuple(
        (texts.sectors.get(sector, sector), tuple(_sizes(cells.get((sector, c), []), numbers, texts) for c in columns))
        for sector in dict.fromkeys(sector for sector, _ in cells)
    )
    tiers = tuple(
        (texts.words.get(e["tier"], e["tier"]), _sizes([e], numbers, texts)) for e in entries if e["part"] == "cell"
    )
    w = texts.words
    headings = (w["activity"], *(f"{w['factor']} {texts.species[s]}" for s in species), w["total_part"])
    return ErrorTable(headings, rows, tiers, tuple(numbers))


def run_of(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the manifest says of the run, if anything."""
    run = manifest.get("run")
    return run if isinstance(run, Mapping) else {}


def _sizes(entries: Sequence[Mapping[str, Any]], numbers: dict[str, int], texts: Texts) -> str:
    """The size where it is the same for all species, else each with its species."""
    found: dict[tuple[float, int], list[str]] = {}
    for entry in entries:
        number = numbers.setdefault(str(entry["source"]), len(numbers) + 1)
        found.setdefault((float(entry["sigma"]), number), []).append(str(entry.get("species", "")))
    alone = len(found) == 1
    return "; ".join(
        f"{sigma:g} [{number}]" + ("" if alone else f" {', '.join(texts.species.get(s, s) for s in of)}")
        for (sigma, number), of in found.items()
    )
