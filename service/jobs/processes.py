"""Processes: what can be asked for, as OGC API Processes describes it, and how a request becomes a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from gis.errors import InvalidParameter, NotFound
from gis.views.archive import archive_layers
from gis.workspace import Run, StoredComparison, StoredZoning
from gis.workspace.export import Format
from gis.workspace.export_zoning import ZoningFormat
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
from service.library import Library, Result

__all__ = ["PROCESSES", "Process", "find_process", "pinned", "run_under"]

_RESULT = {
    "type": "object",
    "required": ["id", "kind"],
    "properties": {"id": {"type": "string"}, "kind": {"type": "string"}, "name": {"type": "string"}},
}
_FILE = {
    "type": "object",
    "required": ["href", "type"],
    "properties": {
        "href": {"type": "string", "format": "uri-reference"},
        "type": {"type": "string"},
        "title": {"type": "string"},
        "length": {"type": "integer"},
        "sha256": {"type": "string"},
    },
}


@dataclass(frozen=True, slots=True)
class Process:
    """What can be asked for."""

    id: str
    title: str
    title_zh: str
    description: str
    inputs: type[Inputs]
    outputs: Mapping[str, tuple[str, Mapping[str, Any]]]

    @property
    def summary(self) -> dict[str, Any]:
        """As the list of processes has it."""
        return {
            "id": self.id, "title": self.title, "title_zh": self.title_zh, "description": self.description, "version": version("cozone"),
            "jobControlOptions": ["async-execute", "dismiss"], "outputTransmission": ["value"],
        }  # fmt: skip

    @property
    def described(self) -> dict[str, Any]:
        """With its inputs and outputs."""
        schema = self.inputs.model_json_schema()
        required = schema.get("required", [])
        inputs = {
            name: {
                "title": name, "description": found.get("description", name), "schema": _inlined(found, schema.get("$defs", {})),
                "minOccurs": int(name in required), "maxOccurs": 1,
            }
            for name, found in schema["properties"].items()
        }  # fmt: skip
        outputs = {name: {"title": title, "schema": dict(shape)} for name, (title, shape) in self.outputs.items()}
        return {**self.summary, "inputs": inputs, "outputs": outputs}


PROCESSES: Mapping[str, Process] = {
    p.id: p
    for p in (
        Process(
            "check", "Check an inventory", "检查清单", "Every finding by file, row, column, value and reason, as a CSV file.",
            CheckInputs, {"file": ("Findings as CSV", _FILE)},
        ),
        Process(
            "grid", "Grid an inventory", "清单网格化",
            "Allocate an inventory to a grid, close the ledger and publish the run. The same inputs give the same run.",
            GridInputs, {"result": ("The run", _RESULT)},
        ),
        Process(
            "zone", "Zone a run", "划定区划", "Hot cells, hotspots and control units of a year of a run, published as a zoning.",
            ZoneInputs, {"result": ("The zoning", _RESULT)},
        ),
        Process(
            "compare", "Compare two zonings", "对比两个区划",
            "What became of the units, cells and tonnes of one zoning in another, published as a comparison.",
            CompareInputs, {"result": ("The comparison", _RESULT)},
        ),
        Process(
            "export", "Export a result", "导出成果", "A run, zoning or comparison as a file that GIS programs open.",
            ExportInputs, {"file": ("The file", _FILE)},
        ),
        Process(
            "report", "Report of a zoning", "评审报告", "The review report of a zoning: one HTML page that needs nothing else.",
            ReportInputs, {"file": ("The report", _FILE)},
        ),
    )
}  # fmt: skip


def find_process(id_: str) -> Process:
    """The process of an id."""
    if id_ not in PROCESSES:
        raise NotFound(f"no process has the id {id_[:40]!r}; there are {', '.join(PROCESSES)}")
    return PROCESSES[id_]


def pinned(process: Process, given: Any, library: Library, inventories: Inventories) -> dict[str, Any]:
    """Inputs as a job keeps them: checked, what they name is there, and pointers such as r-latest replaced by what they point to now."""
    found = parse(process.inputs, given)
    kept = found.model_dump(mode="json", exclude_unset=True)
    match found:
        case CheckInputs():
            inventories.description(found.inventory)
        case GridInputs():
            grid_of(found, inventories.description(found.inventory).parent)
        case ZoneInputs():
            kept |= _zoned(found, library)
        case CompareInputs():
            kept |= _compared(found, library)
        case ExportInputs():
            kept |= {"result": _exported(found, library)}
        case ReportInputs():
            kept |= {"zoning": library.zoning(found.zoning).id}
    return kept


def _zoned(inputs: ZoneInputs, library: Library) -> dict[str, Any]:
    run = library.run("r-latest" if inputs.run == "latest" else inputs.run)
    if inputs.year is not None and inputs.year not in run.years:
        raise InvalidParameter(f"year {inputs.year}: run {run.id} has {', '.join(map(str, run.years))}")
    wanted = (inputs.parameters.carbon, *inputs.parameters.pollutants)
    if wanted[0] not in run.species or not set(wanted[1:]) & set(run.species):
        raise InvalidParameter(
            f"a zoning needs {wanted[0]} and one pollutant of {', '.join(wanted[1:])}; run {run.id} has {', '.join(run.species)}"
        )
    return {"run": run.id, "year": run.years[-1] if inputs.year is None else inputs.year}


def _compared(inputs: CompareInputs, library: Library) -> dict[str, Any]:
    a, b = library.zoning(inputs.a), library.zoning(inputs.b)
    if a.grid != b.grid:
        raise InvalidParameter(f"zonings {a.id} and {b.id} lie on different grids and cannot be compared")
    kept = {"a": a.id, "b": b.id}
    if inputs.earlier is not None:
        earlier = library.comparison(inputs.earlier)
        if earlier.b != a.id:
            raise InvalidParameter(f"comparison {earlier.id} ends with {earlier.b}, not with {a.id}")
        kept["earlier"] = earlier.id
    return kept


def _exported(inputs: ExportInputs, library: Library) -> str:
    result, options = library.result(inputs.result), inputs.options
    if inputs.format == "pmtiles":
        _check_archive(result, inputs, library)
        return result.id
    known = [*map(str, Format if isinstance(result, Run) else ZoningFormat), "pmtiles"]
    if isinstance(result, StoredComparison):
        known.remove("cog")
    if inputs.format not in known:
        raise InvalidParameter(f"{result.id} cannot be exported as {inputs.format}; take one of {', '.join(known)}")
    _refuse_options(inputs, result, {"years", "species", "by_sector"} if isinstance(result, Run) else {"layer", "wkt"})
    if isinstance(result, StoredZoning | StoredComparison) and options.layer is not None:
        layers = [*result.tables, *(result.rasters if isinstance(result, StoredZoning) else ())]
        if options.layer not in layers:
            raise InvalidParameter(f"{result.id} has no layer {options.layer!r}; there is {', '.join(layers)}")
    if isinstance(result, Run):
        _check_selection(result, inputs)
    return result.id


def _check_archive(result: Result, inputs: ExportInputs, library: Library) -> None:
    _refuse_options(inputs, result, {"layer", "minzoom", "maxzoom"})
    layers = archive_layers(result, run_under(result, library), facilities=True)
    if inputs.options.layer not in layers:
        raise InvalidParameter(f"options.layer: PMTiles hold one layer of {result.id}: {', '.join(layers)}")


def run_under(result: Result, library: Library) -> Run:
    """The run whose amounts a result shows; of a comparison, that of the later zoning."""
    return library.run(result.b if isinstance(result, StoredComparison) else result.id)


def _refuse_options(inputs: ExportInputs, result: Result, meant: set[str]) -> None:
    strange = sorted(inputs.options.model_fields_set - meant)
    if strange:
        raise InvalidParameter(
            f"options {', '.join(strange)} mean nothing for {result.id} as {inputs.format}; leave them out"
        )


def _check_selection(run: Run, inputs: ExportInputs) -> None:
    for what, asked, known in (
        ("year", inputs.options.years, run.years),
        ("species", inputs.options.species, run.species),
    ):
        unknown = [str(v) for v in asked or () if v not in known]
        if unknown:
            raise InvalidParameter(
                f"{what} {', '.join(unknown)} cannot be exported; there is {', '.join(map(str, known))}"
            )


def _inlined(schema: Any, known: Mapping[str, Any]) -> Any:
    """The schema with what it refers to put in its place, so that it stands alone."""
    if isinstance(schema, list):
        return [_inlined(part, known) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        rest = {k: v for k, v in schema.items() if k != "$ref"}
        return {**_inlined(known[schema["$ref"].rsplit("/", 1)[-1]], known), **_inlined(rest, known)}
    return {k: _inlined(v, known) for k, v in schema.items()}
