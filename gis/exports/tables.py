"""Emitting cells as a plain table."""

from __future__ import annotations

from pathlib import Path

from pyarrow import csv

from gis.exports.cells import cell_batches, cell_schema
from gis.exports.source import LayerSource, Selection

__all__ = ["write_csv"]


def write_csv(source: LayerSource, path: Path, selection: Selection) -> int:
    """Number of rows written as CSV in UTF-8; numbers in as many digits as it takes to read the same ones back."""
    schema = cell_schema(source, selection, geometry=False)
    rows = 0
    with csv.CSVWriter(path, schema) as writer:
        for batch in cell_batches(source, selection, geometry=False):
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows
