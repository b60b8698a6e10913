"""The national case: a synthetic country on ``china-1km``, from files to a published run, and how its time grows.

Each run is a process of its own, so that its peak memory is its own; inputs are generated once into ``.cache/bench``.
"""

import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.rows import Row
from data.generate.national import National, generate

CACHE = Path(__file__).parent.parent / ".cache" / "bench"
FULL = National()
# The three growing counts, from a quarter of the national case, so that seven runs end in minutes.
BASE = National(points=250_000, roads=125_000, counties=725, surrogates=3)


def run(repeats: int = 1) -> list[Row]:
    measured = [measure(FULL) for _ in range(repeats)]
    best = sorted(measured, key=lambda m: m["total_s"])[len(measured) // 2]
    stages = ", ".join(
        f"{k.removesuffix('_s')} {v:.1f} s" for k, v in best.items() if k.endswith("_s") and k != "total_s"
    )
    note = f"{stages}; peak {best['peak_gb']:.2f} GB; contributors {best['contributors_ms']:.0f} ms, cells {best['cells_ms']:.0f} ms"
    return [Row("national, files to published run", best["total_s"], {}, "<= 60 s, <= 6 GB", note), *growth()]


def growth() -> list[Row]:
    """Time at 1, 2 and 4 times each count, the others held."""
    base = measure(BASE)
    rows = []
    for name in ("points", "roads", "counties"):
        took = [base["total_s"]]
        for factor in (2, 4):
            counts = {f: getattr(BASE, f) * (factor if f == name else 1) for f in ("points", "roads", "counties")}
            took.append(measure(National(**counts, surrogates=BASE.surrogates))["total_s"])
        steps = (took[1] - took[0], (took[2] - took[1]) / 2)
        note = (
            f"1x {took[0]:.1f} s, 2x {took[1]:.1f} s, 4x {took[2]:.1f} s: {steps[0]:.1f} and {steps[1]:.1f} s per step"
        )
        rows.append(Row(f"growth with {name}", took[2], {}, "linear", note))
    return rows


def measure(size: National) -> dict[str, float]:
    """Stage times, peak memory and look-up times of one run in a process of its own."""
    inputs = CACHE / f"national-{size.points}-{size.roads}-{size.counties}-{size.surrogates}"
    if not (inputs / "inventory.toml").exists():
        shutil.rmtree(inputs, ignore_errors=True)
        inputs.mkdir(parents=True)
        generate(size, inputs, seed=2024)
    workspace = CACHE / "workspace"
    shutil.rmtree(workspace, ignore_errors=True)
    command = [sys.executable, "-m", "benchmarks.national", str(inputs), str(workspace)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    shutil.rmtree(workspace, ignore_errors=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _once(inputs: Path, workspace: Path) -> dict[str, float]:
    started = time.perf_counter()
    import gis

    marks = {"import": time.perf_counter()}
    gis.read_inventory, gis.allocate, gis.Workspace  # noqa: B018  # loaded on first use: that is what is timed
    marks["load"] = time.perf_counter()
    inventory = gis.read_inventory(inputs / "inventory.toml")
    marks["read"] = time.perf_counter()
    allocation = gis.allocate(inventory, gis.Grid.named("china-1km"))
    marks["allocate"] = time.perf_counter()
    run = gis.Workspace(workspace).publish(allocation)
    marks["publish"] = time.perf_counter()
    out = {"total_s": marks["publish"] - started}
    before = started
    for stage, at in marks.items():
        out[f"{stage}_s"] = at - before
        before = at
    out["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {**out, **_look_ups(allocation), "runs": float(bool(run.id))}


def _look_ups(allocation: "object") -> dict[str, float]:
    layer = allocation.layer(2019, "co2", "residential").ravel()  # type: ignore[attr-defined]
    cell = int(layer.argmax())
    took = {"contributors_ms": [], "cells_ms": []}
    for _ in range(5):
        at = time.perf_counter()
        found = allocation.contributors(cell, "co2")  # type: ignore[attr-defined]
        took["contributors_ms"].append(time.perf_counter() - at)
        at = time.perf_counter()
        allocation.cells(found["source_id"].iloc[0])  # type: ignore[attr-defined]
        took["cells_ms"].append(time.perf_counter() - at)
    return {name: sorted(values)[len(values) // 2] * 1e3 for name, values in took.items()}


if __name__ == "__main__":
    print(json.dumps(_once(Path(sys.argv[1]), Path(sys.argv[2]))))
