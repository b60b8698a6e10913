"""An inventory from its description file: every file read, every row accounted for, sources in canonical order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from gis.errors import RefusedInput
from gis.inventory.batches import warnings_of
from gis.inventory.description import Description, Kind, Part, read_description
from gis.inventory.findings import Findings
from gis.inventory.layers import read_regions, read_surrogates
from gis.inventory.model import TOTAL_COLUMNS, GriddedPart, Inventory, SourcePart
from gis.inventory.parts import read_part
from gis.inventory.readers import read_table
from gis.inventory.readers.files import InputFiles, matching
from gis.inventory.readers.gridded import Wanted, read_gridded
from gis.inventory.rows import Table
from gis.inventory.scope import Scope
from gis.regions.model import Regions

__all__ = ["Progress", "read_inventory", "staged"]

Progress = Callable[[str, float], None]
_SHOWN = 20


def read_inventory(path: Path, *, lenient: bool = False, progress: Progress | None = None) -> Inventory:
    """The inventory a description file names.

    Strict: any finding of severity error raises RefusedInput. Lenient: refused rows are left out, kept in
    ``findings.refused`` as they stood in their files, and their mass is in ``unread_t``. ``progress`` is called with what is
    being read and the share that is done.
    """
    description = read_description(path)
    loader = _Loader(description, InputFiles(path.resolve().parent), Scope.of(description), lenient)
    loader.files.record(path.resolve())
    tell = progress or (lambda what, share: None)
    steps = len(description.parts) + 2
    tell("regions", 0.0)
    regions = read_regions(description, loader.files, loader.findings)
    for i, part in enumerate(description.parts):
        tell(part.name, (1 + i) / steps)
        loader.load(part, regions)
    if loader.findings.errors and not lenient:
        raise RefusedInput(_refusal(path, loader.findings))
    tell("surrogates", (steps - 1) / steps)
    surrogates = read_surrogates(description, loader.files, loader.findings)
    tell("done", 1.0)
    scope = loader.scope
    return Inventory(
        description, path, scope.years, scope.species, scope.sectors, tuple(loader.parts), surrogates, regions,
        loader.findings, loader.files.inputs, loader.unread_t, loader.totals(),
    )  # fmt: skip


def staged(progress: Callable[[str, int, int], None] | None) -> Progress | None:
    """Reading as a stage of longer work, whose progress is told by stage, done and total."""
    if progress is None:
        return None
    return lambda what, share: progress(f"reading {what}" if share < 1.0 else "reading", round(100 * share), 100)


def _refusal(path: Path, findings: Findings) -> str:
    errors = findings.errors
    lines = [f"  {finding}" for finding in errors[:_SHOWN]]
    if len(errors) > _SHOWN:
        lines.append(f"  … and {len(errors) - _SHOWN} more")
    return (
        f"{path}: {len(errors)} finding(s) refuse this inventory; `cozone check` lists them all, a lenient run leaves the "
        "refused rows out and counts their mass:\n" + "\n".join(lines)
    )


@dataclass(slots=True, eq=False)
class _Loader:
    """Reads the parts one after another and collects what is found on the way."""

    description: Description
    files: InputFiles
    scope: Scope
    lenient: bool
    findings: Findings = field(default_factory=Findings)
    unread_t: dict[tuple[str, str, str], float] = field(default_factory=dict)
    parts: list[SourcePart | GriddedPart] = field(default_factory=list)
    total_frames: list[pd.DataFrame] = field(default_factory=list)

    def load(self, part: Part, regions: Regions) -> None:
        """Read one part."""
        if part.kind is Kind.GRIDDED:
            self._load_gridded(part)
            return
        tables = [self._table(part, path) for path in matching(self.files.base, part.file)]
        found, totals = read_part(
            part, tables, self._join(part), self.description, self.scope, regions, self.findings, self.unread_t,
            keep_rows=self.lenient,
        )  # fmt: skip
        self.parts.append(found)
        self.total_frames.append(totals)

    def _table(self, part: Part, path: Path) -> Table:
        return read_table(
            path, self.files, format=part.format, encoding=part.encoding, sheet=part.sheet, layer=part.layer,
            header_row=part.header_row, crs=part.crs, assumed_crs="EPSG:4326" if part.datum else None,
        )  # fmt: skip

    def _join(self, part: Part) -> Table | None:
        if part.geometry is None:
            return None
        join = part.geometry
        path = self.files.base / join.file
        table = read_table(path, self.files, format="vector", encoding=join.encoding, layer=join.layer, crs=join.crs)
        self.findings.extend(warnings_of(table, part.name))
        return table

    def _load_gridded(self, part: Part) -> None:
        scope = self.scope
        wanted = Wanted(scope.years, scope.species, scope.sectors, scope.declared_species)
        read = read_gridded(part, base=self.files.base, wanted=wanted, lenient=self.lenient)
        for file in read.files:
            self.files.record(file)
        self.findings.extend(read.findings)
        for (reason, code), mass_t in read.unread_t.items():
            key = (reason, part.name, code)
            self.unread_t[key] = self.unread_t.get(key, 0.0) + mass_t
        if read.part is not None:
            self.parts.append(read.part)

    def totals(self) -> pd.DataFrame:
        """Declared totals of all parts."""
        frames = [frame for frame in self.total_frames if len(frame)]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({name: [] for name in TOTAL_COLUMNS})
