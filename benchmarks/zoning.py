"""The whole zoning of the national case: 9.6 M cells, four species of twelve sectors, 2,900 counties; polygons and attributes included.

The run is published once into ``.cache/bench``; the zoning is a process of its own, so that its peak memory is its own.
"""

import json
import resource
import shutil
import subprocess
import sys
import time

from benchmarks.national import CACHE, FULL
from benchmarks.rows import Row
from data.generate.national import generate

WORKSPACE = CACHE / "zoning-workspace"


def run(repeats: int = 1) -> list[Row]:
    publish_national()
    command = [sys.executable, "-m", "benchmarks.zoning"]
    measured = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        for _ in range(repeats)
    ]
    middle = sorted(measured, key=lambda m: m["total_s"])[len(measured) // 2]
    stages = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in middle["stages"])
    note = f"{stages}; {middle['units']:,} units, {middle['patches']:,} hotspots; peak {middle['peak_gb']:.2f} GB"
    return [Row("national zoning, run to finished tables", middle["total_s"], {}, "<= 60 s, <= 6 GB", note)]


def publish_national() -> None:
    """A workspace with the national run; made once."""
    if (WORKSPACE / "catalogue.sqlite").exists():
        return
    import gis

    inputs = CACHE / f"national-{FULL.points}-{FULL.roads}-{FULL.counties}-{FULL.surrogates}"
    if not (inputs / "inventory.toml").exists():
        shutil.rmtree(inputs, ignore_errors=True)
        inputs.mkdir(parents=True)
        generate(FULL, inputs, seed=2024)
    gis.grid_inventory(inputs / "inventory.toml", gis.Grid.named("china-1km"), gis.Workspace(WORKSPACE))


def _once() -> dict[str, object]:
    started = time.perf_counter()
    import gis
    from gis.pipeline import zoning_of
    from gis.zoning.parameters import Parameters

    marks: list[tuple[str, float]] = [("starting", started)]

    def progress(stage: str, _done: int, _total: int) -> None:
        if stage != marks[-1][0]:
            marks.append((stage, time.perf_counter()))

    run = gis.Workspace(WORKSPACE).run("latest")
    zoning = zoning_of(run, Parameters(), progress=progress)
    marks.append(("end", time.perf_counter()))
    stages = [(name, marks[i + 1][1] - at) for i, (name, at) in enumerate(marks[:-1])]
    return {
        "total_s": marks[-1][1] - started, "stages": stages, "units": len(zoning.units), "patches": len(zoning.tables["hotspots"]),
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(_once()))
