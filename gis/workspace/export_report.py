"""Export: the review report of a zoning, with the outlines of its run."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from gis.exports.report import write_report
from gis.workspace.export import outlines_of
from gis.workspace.objects import refuse_no_file, storage_errors
from gis.workspace.run import Run
from gis.workspace.zonings import StoredZoning

__all__ = ["export_report"]


def export_report(stored: StoredZoning, run: Run, path: Path, *, language: str) -> Path:
    """The HTML file written; it appears under its name only when it is whole."""
    refuse_no_file(path)
    manifest = {
        "id": stored.id, "name": stored.name, "label": stored.label, "created": stored.created.isoformat(),
        **stored.manifest,
    }  # fmt: skip
    outlines = [series.to_crs(stored.grid.crs) for series in outlines_of(run)]
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".cozone-", dir=path.parent) as aside:
            whole = Path(aside) / "report.html"
            write_report(stored.zoning, whole, language=language, manifest=manifest, outlines=outlines)
            os.replace(whole, path)
    return path
