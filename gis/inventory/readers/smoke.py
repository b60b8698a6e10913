"""SMOKE surrogate tables: fractions of a region's emissions by cell, read and written.

A ``#GRID`` line places the grid on the sphere of the I/O API; then ``code FIPS column row fraction`` a line, what follows ``!``
being a comment (numerator, denominator). Columns and rows count from 1 in the south-west; here rows count from 0 in
the north. SMOKE's tools write 1e-36 where a surrogate is zero inside a region: such a fraction is read as 0, so that a chain of
surrogates goes on to its next tier instead of dividing by it. A line ``#COZONE_CRS=`` (a comment to SMOKE) keeps the exact CRS of
tables written here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError
from scipy.sparse import coo_array, csr_array

from gis.errors import InvalidGrid, InvalidParameter, MissingCrs, ReadError
from gis.grid import Grid
from gis.inventory.findings import Finding, Severity
from gis.inventory.model import SmokeSurrogate
from gis.inventory.readers.gridded.projections import CODES, Projection

__all__ = ["read_smoke", "smoke_codes", "smoke_findings", "write_smoke"]

_CRS_LINE = "#COZONE_CRS="
# Fractions at or below this are SMOKE's stand-in for zero.
_ZERO = 1e-30
# Sums of fractions printed with six or more digits exceed 1 by no more than this.
_ROUNDING = 1e-6


def read_smoke(path: Path, code: str, *, name: str = "", crs: str | None = None) -> SmokeSurrogate:
    """The surrogate of that code; ``crs`` stands in for the projection of the header."""
    header: list[str] | None = None
    own_crs: str | None = None
    rows: list[tuple[str, int, int, float]] = []
    codes: set[str] = set()
    for number, line in _lines(path):
        if line.startswith("#"):
            if header is None and re.match(r"#\s*GRID\b", line, re.IGNORECASE):
                header = line.split()
            elif line.startswith(_CRS_LINE):
                own_crs = line.removeprefix(_CRS_LINE).strip()
            continue
        fields = line.split("!")[0].split()
        if fields:
            codes.add(fields[0])
            if _same(fields[0], code):
                rows.append(_row(fields, number, path))
    if header is None:
        raise ReadError(f"{path}: no #GRID line; a SMOKE surrogate table begins with one")
    if not rows:
        raise ReadError(f"{path}: no surrogate of code {code!r}; it holds {', '.join(sorted(codes)) or 'none'}")
    grid = _grid(header, crs or own_crs, path)
    return SmokeSurrogate(name or code, grid, _table(rows, grid, path))


def smoke_codes(path: Path) -> list[str]:
    """The surrogate codes of a table, sorted."""
    found = {line.split("!")[0].split()[0] for _, line in _lines(path) if not line.startswith("#")}
    return sorted(found)


def smoke_findings(surrogate: SmokeSurrogate, *, file: str = "") -> list[Finding]:
    """A warning for each region whose fractions sum to more than 1, a note of the regions that have nothing but zeros."""
    sums = surrogate.table.groupby("region", sort=True)["fraction"].sum()
    out = [
        Finding(
            Severity.WARNING, "surrogate-above-one", f"the fractions of region {region} sum to {total:.9g}; more than 1 makes mass",
            file=file, column="fraction", value=f"{total:.9g}",
        )
        for region, total in sums[sums > 1.0 + _ROUNDING].items()
    ]  # fmt: skip
    empty = [str(r) for r in sums.index[sums == 0.0]]
    if empty:
        reason = (
            f"{len(empty)} region(s) have only zero fractions and fall to the next surrogate: {', '.join(empty[:5])}"
        )
        out.append(Finding(Severity.NOTE, "surrogate-empty", reason, file=file, count=len(empty)))
    return out


def write_smoke(
    path: Path,
    shares: csr_array,
    *,
    grid: Grid,
    regions: Sequence[str],
    code: str,
    description: str = "",
    grid_name: str = "COZONE",
    denominators: NDArray[np.float64] | None = None,
) -> None:
    """Write shares (regions × cells) as a surrogate table; with ``denominators`` (one a region) numerators stand beside them."""
    if shares.shape != (len(regions), grid.size):
        raise InvalidParameter(
            f"shares of shape {shares.shape} need {len(regions)} regions (rows) and {grid.size} cells (columns)"
        )
    bad = [text for text in (*regions, code) if not text or re.search(r"[\s!#]", text)]
    if bad:
        raise InvalidParameter(f"code {bad[0]!r} cannot stand in a SMOKE table: it is empty or holds a blank, ! or #")
    entries = coo_array(shares)
    region, cell = entries.coords
    order = np.lexsort((cell, region))
    row, col = np.divmod(cell[order], grid.cols)
    lines = [
        _grid_line(grid, grid_name),
        f"{_CRS_LINE}{_one_line(grid.crs)}",
        f"#SRGDESC={code},{_flat(description or code)}",
    ]
    for r, i, j, share in zip(region[order], row, col, entries.data[order], strict=True):
        text = f"{code}\t{regions[r]}\t{j + 1}\t{grid.rows - i}\t{float(share)!r}"
        if denominators is not None:
            whole = float(denominators[r])
            text += f"\t!\t{float(share) * whole!r}\t{whole!r}"
        lines.append(text)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that hold something, with their number from 1."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.strip()
    except FileNotFoundError as error:
        raise ReadError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"{path}: cannot be read as text: {error}") from error


def _same(found: str, wanted: str) -> bool:
    """Whether two codes are one: 0100 is 100."""
    return found == wanted or (found.isdigit() and wanted.isdigit() and int(found) == int(wanted))


def _row(fields: list[str], number: int, path: Path) -> tuple[str, int, int, float]:
    if len(fields) < 5:
        raise ReadError(f"{path}: row {number} has {len(fields)} fields; expected code, region, column, row, fraction")
    try:
        col, row, fraction = int(fields[2]), int(fields[3]), float(fields[4])
    except ValueError as error:
        raise ReadError(f"{path}: row {number}: {error}; expected code, region, column, row, fraction") from error
    if not 0.0 <= fraction < float("inf"):
        raise ReadError(f"{path}: row {number}: fraction {fields[4]} is not a number of at least 0")
    return fields[1], row, col, fraction if fraction > _ZERO else 0.0


def _grid(header: list[str], crs: str | None, path: Path) -> Grid:
    if len(header) < 10:
        raise ReadError(
            f"{path}: the #GRID line has {len(header) - 1} fields; expected name, x origin, y origin, cell width, cell height, columns, "
            "rows, boundary cells, projection, units and its parameters"
        )
    try:
        west, south, dx, dy = (Fraction(v) for v in header[2:6])
        cols, rows = int(header[6]), int(header[7])
        numbers = [float(v) for v in header[10:] if re.fullmatch(r"[-+.\dEeDd]+", v)]
    except (ValueError, ZeroDivisionError) as error:
        raise ReadError(f"{path}: the #GRID line cannot be read: {error}") from error
    transform = Affine(float(dx), 0, float(west), 0, -float(dy), float(south + rows * dy))
    try:
        place = CRS.from_user_input(crs) if crs is not None else _projection(header[9], numbers, path).crs()
        return Grid(crs=place, transform=transform, shape=(rows, cols))
    except CRSError as error:
        raise MissingCrs(f"{path}: the projection of the #GRID line is not one PROJ knows: {error}") from error
    except (InvalidGrid, InvalidParameter) as error:
        raise ReadError(f"{path}: {error}") from error


def _projection(name: str, numbers: list[float], path: Path) -> Projection:
    gdtyp = CODES.get(name.upper())
    if gdtyp is None:
        raise ReadError(f"{path}: projection {name!r} of the #GRID line is not one of {', '.join(sorted(CODES))}")
    if gdtyp != 1 and len(numbers) < 5:
        raise ReadError(f"{path}: projection {name} needs five parameters in the #GRID line, not {len(numbers)}")
    return Projection(gdtyp, *numbers[:5]) if gdtyp != 1 else Projection(1)


def _table(rows: list[tuple[str, int, int, float]], grid: Grid, path: Path) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["region", "row", "col", "fraction"])
    off = (table["row"] < 1) | (table["row"] > grid.rows) | (table["col"] < 1) | (table["col"] > grid.cols)
    if off.any():
        region, row, col, _ = rows[int(np.flatnonzero(off.to_numpy())[0])]
        raise ReadError(
            f"{path}: region {region} has a fraction in column {col}, row {row}; the grid has {grid.cols} columns and {grid.rows} rows, "
            "counted from 1 in the south-west"
        )
    table["row"] = grid.rows - table["row"]
    table["col"] -= 1
    again = table.duplicated(["region", "row", "col"]).to_numpy()
    if again.any():
        region, row, col, _ = rows[int(np.flatnonzero(again)[0])]
        raise ReadError(f"{path}: region {region} has two fractions in column {col}, row {row}")
    return table.sort_values(["region", "row", "col"], ignore_index=True)


def _grid_line(grid: Grid, name: str) -> str:
    found = Projection.of(grid.crs)
    west, south, _, _ = grid.bounds
    units = "degrees" if grid.is_geographic else "meters"
    numbers = (found.alpha, found.beta, found.gamma, found.x_centre, found.y_centre)
    fields = [
        "#GRID", _flat(name).replace(" ", "_")[:16], repr(west), repr(south), repr(grid.dx), repr(grid.dy), str(grid.cols),
        str(grid.rows), "1", found.name, units, *(repr(v) for v in numbers),
    ]  # fmt: skip
    return "\t".join(fields)


def _one_line(crs: CRS) -> str:
    authority = crs.to_authority(min_confidence=100)
    return ":".join(authority) if authority else _flat(crs.to_wkt())


def _flat(text: str) -> str:
    return " ".join(text.split())
