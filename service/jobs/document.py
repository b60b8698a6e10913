"""What processes bring to the OGC API's own document: conformance classes and paths, relative to the landing page."""

from __future__ import annotations

from typing import Any

from service.jobs.processes import PROCESSES
from service.jobs.queue import State

__all__ = ["CONFORMANCE", "paths"]

Document = dict[str, Any]
_OGC = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf"
# Each is held by a test (tests/service/jobs/test_ogc_processes.py).
CONFORMANCE = tuple(f"{_OGC}/{c}" for c in ("core", "ogc-process-description", "json", "oas30", "job-list", "dismiss"))
_JSON = "application/json"
_TEXT: Document = {"type": "string"}
_WHOLE: Document = {"type": "integer"}
_FAILED = ("401", "403", "413", "422", "500")


def paths() -> Document:
    """Paths and what they refer to."""
    process = _parameter("processID", "path", {"type": "string", "enum": list(PROCESSES)}, "Process.")
    job = _parameter("jobID", "path", {"type": "string", "pattern": "^[0-9a-f]{32}$"}, "Job.")
    f = _parameter("f", "query", {"type": "string", "enum": ["json"]}, "Form of the answer.")
    shared = [f]
    found: Document = {
        "/processes": {"get": _operation("getProcesses", "What can be asked for", _ok("processList"), shared)},
        "/processes/{processID}": {
            "get": _operation("getProcessDescription", "A process: its inputs and outputs", _ok("process"), [process, *shared])
        },
        "/processes/{processID}/execution": {"post": _execution(process)},
        "/jobs": {
            "get": _operation("getJobs", "Jobs, newest first", _ok("jobList"), [
                _parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}, "Jobs of a page."),
                _parameter("offset", "query", {"type": "integer", "minimum": 0, "maximum": 1000000, "default": 0}, "Jobs to pass over."),
                _parameter("processID", "query", {"type": "string", "enum": list(PROCESSES)}, "Only jobs of this process."),
                _parameter("status", "query", {"type": "string", "enum": [str(s) for s in State]}, "Only jobs that stand so."),
                *shared,
            ], "401", "403")
        },
        "/jobs/{jobID}": {
            "get": _operation("getStatus", "How a job stands", _ok("statusInfo"), [job, *shared], "401", "403"),
            "delete": _operation(
                "dismiss", "Dismiss a job; one that is done is forgotten, with its files", _ok("statusInfo"), [job], "401", "403"
            ),
        },
        "/jobs/{jobID}/results": {
            "get": _operation(
                "getResult", "What a job made; of one that failed, the error", _ok("results"), [job, *shared], *_FAILED,
            )
        },
        "/jobs/{jobID}/log": {
            "get": _operation("getLog", "What a job has told", _ok("jobLog"), [
                job, _parameter("after", "query", _WHOLE | {"minimum": 0, "maximum": 1000000, "default": 0}, "Lines passed over."),
                *shared,
            ], "401", "403")
        },
        "/jobs/{jobID}/files/{name}": {
            "get": _operation(
                "getFile", "A file that a job made; byte ranges are answered",
                {"description": "The file.", "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
                [job, _parameter("name", "path", _TEXT, "Name of the file, as the results say.")], "401", "403", "416",
            )
        },
    }  # fmt: skip
    return {"paths": found, "components": {"schemas": _SCHEMAS, "responses": _RESPONSES}}


def _execution(process: Document) -> Document:
    asked = _operation("execute", "Start a process", _ok("statusInfo"), [process], "401", "403", "409", "413", "422")
    made = asked["responses"].pop("200")
    made["description"] = "The job, waiting."
    made["headers"] = {"Location": {"schema": _TEXT}, "Preference-Applied": {"schema": _TEXT}}
    asked["responses"] = {"201": made, **asked["responses"]}
    asked["requestBody"] = {"required": True, "content": {_JSON: {"schema": {"$ref": "#/components/schemas/execute"}}}}
    return asked


def _operation(name: str, summary: str, answer: Document, parameters: list[Document], *statuses: str) -> Document:
    failed = {s: {"$ref": f"#/components/responses/{_NAMES[s]}"} for s in sorted({"400", "404", "503", *statuses})}
    return {
        "operationId": name,
        "tags": ["processes"],
        "summary": summary,
        "parameters": parameters,
        "responses": {"200": answer, **failed},
        **({"security": [{"key": []}]} if "401" in statuses else {}),
    }


def _ok(schema: str) -> Document:
    return {"description": "As asked.", "content": {_JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}


def _parameter(name: str, place: str, schema: Document, description: str) -> Document:
    return {"name": name, "in": place, "required": place == "path", "description": description, "schema": schema}


def _object(required: tuple[str, ...] = (), **properties: Document) -> Document:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


def _list(items: Document) -> Document:
    return {"type": "array", "items": items}


def _problem(description: str) -> Document:
    schema = {"$ref": "#/components/schemas/problem"}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}


# Those of the document this joins, by the same names, and those that only processes have.
_NAMES = {
    "400": "BadRequest", "401": "Unauthorised", "403": "Forbidden", "404": "NotFound", "409": "Conflict", "413": "TooLarge",
    "416": "NoSuchRange", "422": "Unprocessable", "500": "ServerError", "503": "Busy",
}  # fmt: skip
_RESPONSES = {
    "Conflict": _problem("It is there already, or in use."),
    "NoSuchRange": _problem("The file has no such bytes."),
    "Unprocessable": _problem("The input was understood, and cannot be used; the detail says why."),
}
_LINKS = _list({"$ref": "#/components/schemas/link"})
_SUMMARY = {
    "id": _TEXT, "title": _TEXT, "title_zh": _TEXT, "description": _TEXT, "version": _TEXT, "jobControlOptions": _list(_TEXT),
    "outputTransmission": _list(_TEXT), "links": _LINKS,
}  # fmt: skip
_OPEN: Document = {"type": "object", "additionalProperties": True}
_STATUS = _object(
    ("jobID", "status", "type"), processID=_TEXT, type={"type": "string", "enum": ["process"]}, jobID=_TEXT,
    status={"type": "string", "enum": [str(s) for s in State]}, message=_TEXT, created=_TEXT, started=_TEXT, finished=_TEXT, updated=_TEXT,
    progress={"type": "integer", "minimum": 0, "maximum": 100}, attempt=_WHOLE, key=_TEXT, inputs=_OPEN, links=_LINKS,
)  # fmt: skip
_SCHEMAS: Document = {
    "processSummary": _object(("id", "version"), **_SUMMARY),
    "processList": _object(("processes", "links"), processes=_list({"$ref": "#/components/schemas/processSummary"}), links=_LINKS),
    "process": _object(("id", "version", "inputs", "outputs"), **_SUMMARY, inputs=_OPEN, outputs=_OPEN),
    "execute": {
        **_object(inputs=_OPEN, outputs=_OPEN, response={"type": "string", "enum": ["document", "raw"]}), "additionalProperties": False,
    },
    "statusInfo": _STATUS,
    "jobList": _object(("jobs", "links"), jobs=_list({"$ref": "#/components/schemas/statusInfo"}), links=_LINKS, numberMatched=_WHOLE),
    "results": _OPEN,
    "jobLog": _object(("lines",), lines=_list(_object(("time", "text"), time=_TEXT, text=_TEXT))),
}  # fmt: skip
