"""``python -m benchmarks [NAME …]``: the table of docs/performance.md, all of it or some, peers in the same run."""

import argparse
import importlib
import os
import platform
from pathlib import Path

import numba
import numpy as np

from benchmarks.rows import Row

ALL = (
    "startup", "points", "lines", "polygons", "zonal", "regrid", "ranks", "evidence", "threshold", "membership", "overlap",
    "national", "zoning", "tiles", "serving", "mvt", "features", "click", "start", "load", "slider", "hour",
)  # fmt: skip


def _cell(row: Row) -> str:
    peers = ", ".join(f"{name} {seconds:.3g} s ({seconds / row.ours_s:.1f} x)" for name, seconds in row.peers.items())
    return f"| {row.work} | {row.ours_s:.3g} s | {peers} | {row.target} | {row.note} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*ALL, []], help="which; else all")
    parser.add_argument("--repeats", type=int, default=5, help="timed repeats of each, medians are printed")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    given = parser.parse_args()
    lines = [
        f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}, numba {numba.__version__}, "
        f"numpy {np.__version__}; medians; a peer's factor is its time over ours.",
        "",
        "| work | ours | peers | reach | note |",
        "|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    for name in given.names or ALL:
        module = importlib.import_module(f"benchmarks.{name}")
        rows = module.run(given.repeats if name not in ("national", "zoning", "load") else 1)
        for row in rows:
            lines.append(_cell(row))
            print(lines[-1], flush=True)
    if given.out is not None:
        given.out.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
