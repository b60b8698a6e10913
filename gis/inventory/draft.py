"""A draft of the description file from the user's own files: what is plain is written, what is not becomes a question."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from gis.errors import InvalidParameter, UnknownSpecies
from gis.inventory.draft_parts import gridded_part, question, quoted, region_block, source_part, surrogate_block
from gis.inventory.glance import Glance, glance
from gis.species import REQUIRED, SPECIES, find_species

__all__ = ["draft_description"]


def draft_description(files: list[Path], *, name: str = "my-inventory") -> str:
    """The text of a description file for these files; every line marked ``# ?`` asks what they do not tell.

    The text is valid TOML. A required answer that is missing stands as a commented key, and reading the description names it.
    """
    if not files:
        raise InvalidParameter("no file was given; name the tables, vectors and gridded files of the inventory")
    seen = [glance(path) for path in files]
    names = _names(seen)
    joined: set[Path] = set()
    parts: list[str] = []
    for look in seen:
        if _emits(look):
            text, used = source_part(look, names[look.path], seen)
            parts.append(text)
            joined |= used
        elif look.kind == "gridded":
            parts.append(gridded_part(look, names[look.path]))
    blocks = []
    for look in seen:
        if look.kind in {"raster", "smoke"}:
            blocks.append(surrogate_block(look, names[look.path]))
        elif look.kind == "vector" and not _emits(look):
            blocks.append(region_block(look, joined=look.path in joined))
        elif look.kind == "unknown" or (look.kind == "table" and not _emits(look)):
            why = look.question or "no column of amounts was recognised in " + (", ".join(look.values) or "it")
            blocks.append(question(f"{look.path.as_posix()}: {why}; what is it for?"))
    if not parts:
        blocks.insert(0, question("no file was recognised as emissions: write a [[parts]] entry for each that is"))
    return "\n\n".join([_head(seen, name), *parts, *blocks]) + "\n"


def _emits(look: Glance) -> bool:
    roles = {m.role for m in look.meanings.values()}
    return look.kind in {"table", "vector"} and ("amount" in roles or {"value", "species"} <= roles)


def _names(seen: list[Glance]) -> dict[Path, str]:
    out: dict[Path, str] = {}
    for look in seen:
        stem = look.path.stem
        taken = set(out.values())
        out[look.path] = next(n for n in (stem, *(f"{stem}-{k}" for k in range(2, len(seen) + 2))) if n not in taken)
    return out


# -- the head ---------------------------------------------------------------------------------------------------------


def _head(seen: list[Glance], name: str) -> str:
    years = sorted({year for look in seen for year in _years(look)})
    species = {code for look in seen for code in _species(look)}
    used = [SPECIES[c].name for c in [*REQUIRED, *sorted(species - set(REQUIRED))] if c in species]
    lines = [
        "# Drafted by `cozone init`. Lines marked with a question mark ask what the files do not tell: answer, and take the",
        "# leading # away where there is one. Paths are relative to this file. `cozone check` then says what is wrong.",
        f"name = {quoted(name)}",
        'title_zh = ""',
        'title_en = ""',
        'source = ""   # where the data come from, for the report',
        'licence = ""',
    ]
    if years:
        lines.append(f"years = [{', '.join(map(str, years))}]")
    else:
        hint = sorted({y for look in seen for y in _four_digits(look.path.stem)})
        guess = f"; the names of the files say {', '.join(map(str, hint))}" if hint else ""
        lines.append(f"# years = [{', '.join(map(str, hint or [2020]))}]  # ? which years are to be read{guess}")
    if used:
        lines.append(f"species_used = [{', '.join(quoted(n) for n in used)}]")
    lines.append(
        "# bounds = [west, south, east, north]  # ? optional: the region in degrees; sources outside it are reported"
    )
    return "\n".join(lines)


def _four_digits(text: str) -> list[int]:
    return [int(y) for y in re.findall(r"(?<!\d)((?:19|20)\d\d)(?!\d)", text)]


def _years(look: Glance) -> Iterable[int]:
    if look.kind == "gridded":
        # EDGAR and MEIC write the year into the name by rule; a user's own file name is only a hint.
        yield from _four_digits(look.path.stem)[:1]
    if look.kind not in {"table", "vector"}:
        return
    yield from (m.year for m in look.meanings.values() if m.role == "amount" and m.year)
    column = look.column("year")
    if column is not None:
        for text in {str(v) for v in look.values[column]}:
            yield from _four_digits(text)[:1]


def _species(look: Glance) -> Iterable[str]:
    if look.kind not in {"table", "vector"}:
        return
    yield from (m.species for m in look.meanings.values() if m.role == "amount" and m.species)
    column = look.column("species")
    if column is not None and look.column("value") is not None:
        for text in {str(v) for v in look.values[column]} - {""}:
            try:
                yield find_species(text).code
            except UnknownSpecies:
                continue
