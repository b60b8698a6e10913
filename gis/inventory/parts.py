"""A part of point, line or area sources from its files: rows read, compared with each other, made sources, checked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from gis.errors import InvalidDescription
from gis.inventory.amounts import Measured
from gis.inventory.batches import Batch, read_batch
from gis.inventory.checks import row_findings
from gis.inventory.description import Description, Part
from gis.inventory.duplicates import refuse_repeated, refuse_scattered
from gis.inventory.findings import Finding, Findings, Severity
from gis.inventory.grouping import Entries, Rows, entries_of, group, rows_of
from gis.inventory.model import TOTAL_COLUMNS, SourcePart
from gis.inventory.rows import Table
from gis.inventory.scope import Reason, Scope
from gis.inventory.sources import Built, build, without
from gis.regions.model import Regions

__all__ = ["read_part"]

Unread = dict[tuple[str, str, str], float]


def read_part(
    part: Part, tables: Sequence[Table], join: Table | None, description: Description, scope: Scope, regions: Regions,
    findings: Findings, unread_t: Unread, *, keep_rows: bool,
) -> tuple[SourcePart, pd.DataFrame]:  # fmt: skip
    """The part its tables make, and its declared totals; what was found is added to ``findings`` and ``unread_t``."""
    batches = [read_batch(table, part, scope, join) for table in tables]
    _one_crs(part, batches)
    rows = rows_of(batches)
    source, code = group(rows)
    if part.duplicates == "refuse" and len(rows):
        if refuse_scattered(rows, source, code, batches):
            rows = rows_of(batches)
            source, code = group(rows)
    entries = entries_of(batches)
    repeated = refuse_repeated(rows, entries, source, batches, scope)
    built = build(
        part, rows, entries.take(~repeated) if repeated.any() else entries, source, batches, batches[0].places.crs
    )
    noted, refused = row_findings(built.part, description, species=scope.species, regions=regions)
    findings.extend(noted)
    _pass_on(built, refused, noted, rows, batches)
    _count_repeated(rows, entries.take(repeated), batches, scope, part, unread_t)
    _note_disagreements(built, findings)
    for batch in batches:
        batch.report(scope, findings, unread_t, keep_rows=keep_rows)
    if not len(built.part) or refused.all():
        findings.add(
            Finding(
                Severity.WARNING, "empty-part", "no source is left of this part", part=part.name, file=tables[0].name
            )
        )
    return without(built.part, refused), total_rows(batches, scope)


def _one_crs(part: Part, batches: Sequence[Batch]) -> None:
    first = batches[0]
    for batch in batches[1:]:
        if not batch.places.crs.equals(first.places.crs, ignore_axis_order=True):
            raise InvalidDescription(
                f"part {part.name!r}: {first.table.name} is in {first.places.crs.name}, {batch.table.name} in "
                f"{batch.places.crs.name}; describe them as two parts"
            )


def _pass_on(
    built: Built, refused: NDArray[np.bool_], noted: Sequence[Finding], rows: Rows, batches: Sequence[Batch]
) -> None:
    """Refuse the rows of the sources that a check of places and shapes refused; their findings exist already."""
    reasons = {(f.file, f.row): f.reason for f in noted if f.severity is Severity.ERROR}
    stood = built.part.sources
    for member in np.flatnonzero(refused[built.source_of_row]).tolist() if refused.any() else ():
        source = stood.iloc[int(built.source_of_row[member])]
        reason = reasons.get((source["file"], int(source["row"])), "its source is refused")
        batches[int(rows.batch[member])].refusals.pass_on(int(rows.position[member]), reason)


def _count_repeated(
    rows: Rows, repeated: Entries, batches: Sequence[Batch], scope: Scope, part: Part, unread_t: Unread
) -> None:
    """Count the mass of repeated amounts as refused, unless their whole row is."""
    masked = [b.refusals.mask for b in batches]
    alone = [not masked[rows.batch[r]][rows.position[r]] for r in repeated.row.tolist()]
    left_out = repeated.take(np.array(alone, np.bool_))
    for species in np.unique(left_out.species).tolist():
        key = ("refused", part.name, scope.species[species].code)
        unread_t[key] = unread_t.get(key, 0.0) + math.fsum(left_out.mass_t[left_out.species == species])


def _note_disagreements(built: Built, findings: Findings) -> None:
    sources = built.part.sources
    rank = built.rank
    for name, hit in built.disagreeing.items():
        at = np.sort(rank[hit])
        shown = ", ".join(sources["source_id"].iloc[at[:8]].tolist())
        chosen = "the largest" if name == "capacity" else "the first in order of letters"
        findings.add(
            Finding(
                Severity.WARNING, "attributes-differ", part=built.part.name, column=name, count=len(at),
                file=str(sources["file"].iloc[at[0]]), row=int(sources["row"].iloc[at[0]]),
                reason=f"rows of one source give different values of {name} ({shown}); {chosen} is used",
            )
        )  # fmt: skip


def total_rows(batches: Sequence[Batch], scope: Scope) -> pd.DataFrame:
    """Declared totals of wanted years and species, with the columns TOTAL_COLUMNS."""
    frames = [_totals_of(batch, m, scope) for batch in batches for m in batch.measured]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(TOTAL_COLUMNS))


def _totals_of(batch: Batch, m: Measured, scope: Scope) -> pd.DataFrame:
    at = np.flatnonzero((m.reason == Reason.TOTAL) & np.isfinite(m.mass_t) & (m.species >= 0) & (m.year >= 0))
    names = [m.origins[i] for i in m.origin[at].tolist()]
    sectors = {name: scope.sector_or_none(name, batch.part) for name in set(names)}
    region = batch.attributes.texts.get("region")
    return pd.DataFrame(
        {
            "part": batch.part.name,
            "region": region.take(pa.array(at)).to_pylist() if region is not None else "",
            "sector_name": names,
            "sector": [sectors[name] for name in names],
            "species": m.species[at],
            "year": m.year[at],
            "mass_t": m.mass_t[at],
            "file": batch.table.name,
            "row": batch.table.rows[at],
        },
        columns=list(TOTAL_COLUMNS),
    )
