"""The file of refused rows: every row as it stood, with its file, row and reason, for its owner to correct."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gis.errors import StorageError
from gis.inventory.findings import Findings
from gis.inventory.refusals import OWN_HEADINGS

__all__ = ["write_refused"]


def write_refused(findings: Findings, path: Path) -> int:
    """Number of rows written, as CSV in UTF-8 with a byte order mark, which spreadsheets need to show Chinese."""
    table = pd.DataFrame(findings.refused, columns=None if findings.refused else list(OWN_HEADINGS))
    try:
        path.write_text(table.to_csv(index=False, lineterminator="\n"), encoding="utf-8-sig")
    except OSError as error:
        raise StorageError(f"{path}: the refused rows cannot be written: {error.strerror or error}") from error
    return len(table)
