"""Work: one job in a process of its own, started by the runner with ``python -m service.jobs.work``.

The order comes as a line of JSON on standard input, which stays open as long as the runner lives: when it closes, the process ends at
once, so that no work goes on that nobody supervises.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gis.errors import GisError
from gis.inventory.check import check_inventory
from gis.pipeline import compare_zonings, grid_inventory, zone_run
from gis.views.preparation import prepare
from gis.workspace import Run, StoredZoning, Workspace
from gis.workspace.export_report import export_report
from service.errors import Problem, as_problem
from service.jobs.confine import confine
from service.jobs.downloads import archived, described, exported, fresh
from service.jobs.inputs import (
    CheckInputs,
    CompareInputs,
    ExportInputs,
    GridInputs,
    Inputs,
    ReportInputs,
    ZoneInputs,
    grid_of,
    parse,
)
from service.jobs.inventories import Inventories
from service.jobs.processes import find_process, run_under
from service.jobs.queue import Claim, Queue
from service.library import Library
from service.logs import configure, logger
from service.settings import Settings

__all__ = ["main"]

_NICE = 10
_EVERY_S = 0.5
# Where the stages of a process stand between 0 and 100, by how their names begin; those between are told as they come.
_STAGES: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "check": {"reading": (1, 70), "checking": (70, 98)},
    "grid": {"reading": (1, 35), "weights": (35, 65), "layers": (65, 96), "preparing": (96, 99)},
    "zone": {
        "reading": (1, 10), "hot sets": (10, 15), "evidence": (15, 35), "years": (35, 45), "membership": (45, 65), "overlap": (65, 75),
        "sensitivity": (75, 85), "units": (85, 90), "attributes": (90, 95), "publishing": (95, 96),
        "preparing": (96, 99),
    },
}  # fmt: skip


class _Gone(BaseException):
    """The job is no longer ours: dismissed, or given to another."""


@dataclass(slots=True)
class _Told:
    """Progress of a job, written to the queue now and then."""

    queue: Queue
    claim: Claim
    stage: str = ""
    written: float = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Tell how far a stage has come; ends the work if the job was taken away."""
        now, kind = time.monotonic(), stage.split(" of ")[0]
        new = kind.split(" ")[0] != self.stage.split(" ")[0]
        if not new and now - self.written < _EVERY_S:
            return
        self.stage, self.written = stage, now
        span = next(
            (s for name, s in _STAGES.get(self.claim.job.process, {}).items() if stage.startswith(name)), (0, 0)
        )
        share = min(done / total, 1.0) if total > 0 else 0.0
        percent = round(span[0] + share * (span[1] - span[0]))
        if not self.queue.report(self.claim.job.id, self.claim.token, progress=percent, message=stage, line=new):
            raise _Gone


@dataclass(frozen=True, slots=True)
class _Bench:
    """What work is done with."""

    settings: Settings
    workspace: Workspace
    library: Library
    inventories: Inventories
    folder: Path
    told: _Told


Result = tuple[dict[str, Any], str]


def main() -> None:
    """Do the job of the order on standard input. The exit status says only whether the process was well; the queue has the outcome."""
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_runner, daemon=True).start()
    settings = Settings(**order["settings"])
    configure(settings)
    queue = Queue(settings.workspace)
    claim = Claim(queue.get(order["job"]), order["token"])
    if hasattr(os, "nice"):
        os.nice(_NICE)  # tiles and probes go first
    _take_scratch(queue.files / f"{claim.job.id}.{os.getpid()}.tmp")
    confined = confine(settings.workspace)
    if not confined:
        logger.warning(
            "job runs without confinement; this system has no Landlock", extra={"fields": {"job": claim.job.id}}
        )
    try:
        _perform(settings, queue, claim)
    except _Gone:
        sys.exit(0)


def _take_scratch(folder: Path) -> None:
    """Let libraries put temporary files where this process may write and where the runner removes them."""
    folder.mkdir(parents=True)
    tempfile.tempdir = str(folder)
    for name in ("TMPDIR", "SQLITE_TMPDIR", "CPL_TMPDIR"):
        os.environ[name] = str(folder)


def _end_with_runner() -> None:
    sys.stdin.buffer.read()
    os._exit(3)


def _perform(settings: Settings, queue: Queue, claim: Claim) -> None:
    job, folder = claim.job, queue.files / claim.job.id
    shutil.rmtree(folder, ignore_errors=True)  # of an attempt that was cut off
    try:
        result, line = _result(settings, queue, claim, folder)
    except Exception as error:
        if not isinstance(error, GisError | Problem):
            logger.error("job failed", exc_info=error, extra={"fields": {"job": job.id, "process": job.process}})
        queue.fail(job.id, claim.token, _shown(error, settings))
        return
    # If the job was taken away meanwhile, its files are the runner's to remove, or another's who does it again.
    queue.finish(job.id, claim.token, result, line=line)


def _result(settings: Settings, queue: Queue, claim: Claim, folder: Path) -> Result:
    library = Library(settings)
    inputs = parse(find_process(claim.job.process).inputs, dict(claim.job.inputs))
    bench = _Bench(settings, library.workspace, library, Inventories(settings.workspace), folder, _Told(queue, claim))
    try:
        return _WORK[type(inputs)](inputs, bench)
    finally:
        library.close()


def _shown(error: Exception, settings: Settings) -> Problem:
    """What the client sees of an error: no path of this machine, and nothing of an error that is our fault."""
    problem = as_problem(error)
    detail = (
        problem.detail
        if problem.status < 500 or isinstance(error, Problem)
        else "an error of the server; its log has the id of this job"
    )
    places = {str(p) for p in (settings.workspace, settings.workspace.resolve(), settings.workspace.absolute())}
    for place in sorted(places, key=len, reverse=True):
        detail = detail.replace(f"{place}{os.sep}", "")
    return Problem(detail, status=problem.status)


# -- one function a process ---------------------------------------------------------------------------------------------


def _check(inputs: CheckInputs, bench: _Bench) -> Result:
    findings = check_inventory(bench.inventories.description(inputs.inventory), progress=bench.told)
    with fresh(bench.folder) as folder:
        path = folder / f"{inputs.inventory}-findings.csv"
        findings.frame().to_csv(path, index=False, encoding="utf-8-sig")
    counts = findings.counts()
    told = ", ".join(f"{n} {kind}" for kind, n in counts.items()) or "no finding"
    return {"file": described(bench.folder / path.name), "counts": counts}, f"checked: {told}"


def _grid(inputs: GridInputs, bench: _Bench) -> Result:
    path = bench.inventories.description(inputs.inventory)
    grid = grid_of(inputs, path.parent)
    run = grid_inventory(
        path, grid, bench.workspace, lenient=inputs.lenient, name=inputs.name, label=inputs.label, progress=bench.told
    )
    _prepare(bench, run)
    return _published("run", run)


def _zone(inputs: ZoneInputs, bench: _Bench) -> Result:
    zoning = zone_run(
        bench.library.run(inputs.run), bench.workspace, inputs.parameters, year=inputs.year, rules_text=inputs.rules,
        name=inputs.name, label=inputs.label, progress=bench.told,
    )  # fmt: skip
    _prepare(bench, zoning)
    return _published("zoning", zoning)


def _compare(inputs: CompareInputs, bench: _Bench) -> Result:
    find = bench.library
    bench.told("comparing", 0, 0)
    found = compare_zonings(
        find.zoning(inputs.a), find.zoning(inputs.b), bench.workspace,
        earlier=None if inputs.earlier is None else find.comparison(inputs.earlier), name=inputs.name, label=inputs.label,
    )  # fmt: skip
    return _published("comparison", found)


def _export(inputs: ExportInputs, bench: _Bench) -> Result:
    bench.told(f"exporting {inputs.format}", 0, 0)
    library, result = bench.library, bench.library.result(inputs.result)
    if inputs.format == "pmtiles":
        run = run_under(result, library)
        path = archived(library.views, result, run, inputs, bench.folder, progress=bench.told)
    else:
        path = exported(result, inputs, bench.folder)
    return {"file": described(path)}, f"exported {path.name}"


def _report(inputs: ReportInputs, bench: _Bench) -> Result:
    bench.told("writing the report", 0, 0)
    zoning = bench.library.zoning(inputs.zoning)
    with fresh(bench.folder) as folder:
        path = folder / f"{zoning.id}-{inputs.lang}.html"
        export_report(zoning, bench.library.run(zoning.run_id), path, language=inputs.lang)
    return {"file": described(bench.folder / path.name)}, f"wrote {path.name}"


def _prepare(bench: _Bench, result: Run | StoredZoning) -> None:
    """Make what the first visitors would wait for; the result is published, whatever becomes of this."""
    bench.told("preparing views", 0, 0)
    try:
        prepare(bench.library.views, result, bench.library.run(result.id))
    except (GisError, OSError) as error:
        logger.warning("views not prepared", extra={"fields": {"result": result.id, "error": str(error)}})


def _published(kind: str, result: Any) -> Result:
    name = {"name": result.name} if isinstance(result, Run) or hasattr(result, "name") else {}
    return {"result": {"id": result.id, "kind": kind, **name}}, f"published {kind} {result.id}"


_WORK: Mapping[type[Inputs], Callable[[Any, _Bench], Result]] = {
    CheckInputs: _check,
    GridInputs: _grid,
    ZoneInputs: _zone,
    CompareInputs: _compare,
    ExportInputs: _export,
    ReportInputs: _report,
}

if __name__ == "__main__":
    main()
