"""OGC API Processes, part 1: what can be asked for, asking for it, and what became of it. Everything runs later, in another process."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from starlette.concurrency import run_in_threadpool

from gis.errors import NotFound
from service.dependencies import CallerDep, LibraryDep, SettingsDep, base_url
from service.errors import Forbidden, Problem
from service.jobs.inventories import Inventories
from service.jobs.processes import PROCESSES, Process, find_process, pinned
from service.jobs.queue import Job, Queue, State
from service.keys import Scope
from service.openapi.answers import parameters_of
from service.routes.audited import AuditedRoute
from service.settings import Settings

__all__ = ["router"]

router = APIRouter(prefix="/ogc", tags=["processes"], route_class=AuditedRoute, include_in_schema=False)
_FRESH = {"Cache-Control": "no-cache"}
_PRIVATE = {"Cache-Control": "no-store"}
_EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0"
_RELATIONS = "http://www.opengis.net/def/rel/ogc/1.0"
_EXECUTE = frozenset({"inputs", "outputs", "response"})


@router.get("/processes")
def processes(request: Request) -> Response:
    """All processes."""
    _only(request)
    root = f"{base_url(request)}/ogc"
    found = [{**p.summary, "links": [_link(f"{root}/processes/{p.id}", "self", p.title)]} for p in PROCESSES.values()]
    links = [_link(f"{root}/processes", "self", "Processes"), _link(f"{root}/jobs", f"{_RELATIONS}/job-list", "Jobs")]
    return JSONResponse({"processes": found, "links": links}, headers=_FRESH)


@router.get("/processes/{process}")
def description(request: Request, process: str) -> Response:
    """A process with its inputs and outputs."""
    _only(request)
    root = f"{base_url(request)}/ogc/processes"
    found = _process(process)
    links = [
        _link(f"{root}/{found.id}", "self", found.title),
        _link(f"{root}/{found.id}/execution", f"{_RELATIONS}/execute", "Start it with POST"),
    ]
    return JSONResponse({**found.described, "links": links}, headers=_FRESH)


@router.post("/processes/{process}/execution", name="execute")
async def execute(
    request: Request, settings: SettingsDep, library: LibraryDep, caller: CallerDep, process: str
) -> Response:
    """A job, waiting. There is no other way than later: 201, with the job's address."""
    caller.need(Scope.RUN)
    _only(request)
    found = _process(process)
    asked = _asked(await request.body())
    queue = Queue(settings.workspace)

    def submit() -> Job:
        inputs = pinned(found, asked, library, Inventories(settings.workspace))
        return queue.submit(found.id, inputs, key=caller.name, room=settings.job_queue)

    job = await run_in_threadpool(submit)
    status = _status(request, job)
    headers = {**_PRIVATE, "Location": f"{base_url(request)}/ogc/jobs/{job.id}"}
    if "respond-async" in request.headers.get("prefer", ""):
        headers["Preference-Applied"] = "respond-async"
    return JSONResponse(status, 201, headers=headers)


@router.get("/jobs")
def jobs(
    request: Request,
    settings: SettingsDep,
    caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    process: Annotated[str | None, Query(alias="processID", max_length=64)] = None,
    state: Annotated[State | None, Query(alias="status")] = None,
) -> Response:
    """Jobs, newest first."""
    caller.need(Scope.READ)
    _only(request, "limit", "offset", "processID", "status")
    queue = Queue(settings.workspace)
    found = queue.jobs(limit=limit, offset=offset, process=process, state=state)
    total = queue.count(process=process, state=state)
    links = [_link(_here(request), "self", "Jobs")]
    if offset + len(found) < total:
        links.append(_link(_here(request, offset=offset + limit), "next", "Older jobs"))
    body = {"jobs": [_status(request, job) for job in found], "links": links, "numberMatched": total}
    return JSONResponse(body, headers=_PRIVATE)


@router.get("/jobs/{job}")
def status(request: Request, settings: SettingsDep, caller: CallerDep, job: str) -> Response:
    """How a job stands."""
    caller.need(Scope.READ)
    _only(request)
    found = _job(settings, job)
    return JSONResponse({**_status(request, found), "inputs": dict(found.inputs)}, headers=_PRIVATE)


@router.delete("/jobs/{job}", name="dismiss")
def dismiss(request: Request, settings: SettingsDep, caller: CallerDep, job: str) -> Response:
    """The job, dismissed. Anyone may dismiss what their own key started, and those who administer what others did."""
    caller.need(Scope.RUN)
    _only(request)
    found = _job(settings, job)
    if found.key != caller.name and caller.scope < Scope.ADMIN:
        raise Forbidden("another key started this job; one of scope admin dismisses it")
    return JSONResponse(_status(request, Queue(settings.workspace).dismiss(found.id)), headers=_PRIVATE)


@router.get("/jobs/{job}/results")
def results(request: Request, settings: SettingsDep, caller: CallerDep, job: str) -> Response:
    """What a job made."""
    caller.need(Scope.READ)
    _only(request)
    found = _job(settings, job)
    if found.state is State.FAILED:
        problem = found.problem or {}
        raise Problem(str(problem.get("detail", "the job failed")), status=int(problem.get("status", 500)))
    if found.result is None:
        raise Problem(
            f"job {found.id} is {found.state}; it has no result", status=404, type_=f"{_EXCEPTIONS}/result-not-ready"
        )
    return JSONResponse(_result(request, found), headers=_PRIVATE)


@router.get("/jobs/{job}/log")
def log(
    request: Request,
    settings: SettingsDep,
    caller: CallerDep,
    job: str,
    after: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """What a job has told, oldest first."""
    caller.need(Scope.READ)
    _only(request, "after")
    lines = Queue(settings.workspace).lines(_job(settings, job).id, after=after)
    return JSONResponse({"lines": [asdict(line) for line in lines]}, headers=_PRIVATE)


@router.get("/jobs/{job}/files/{name}")
@router.head("/jobs/{job}/files/{name}")
def file(settings: SettingsDep, caller: CallerDep, job: str, name: str) -> Response:
    """A file that a job made. Its name is compared with that of the result, not made into a path."""
    caller.need(Scope.READ)
    found = _job(settings, job)
    made = (found.result or {}).get("file")
    if made is None or made["name"] != name:
        raise NotFound(f"job {found.id} made no file {name[:80]!r}")
    path = Queue(settings.workspace).files / found.id / made["name"]
    if not path.is_file():
        raise NotFound(f"the file of job {found.id} is gone")
    headers = {"ETag": f'"{made["sha256"][:32]}"', "Cache-Control": "private, max-age=86400, immutable"}
    return FileResponse(path, headers=headers, media_type=made["type"], filename=made["name"])


def _job(settings: Settings, id_: str) -> Job:
    try:
        return Queue(settings.workspace).get(id_)
    except NotFound as error:
        raise Problem(str(error), status=404, type_=f"{_EXCEPTIONS}/no-such-job") from error


def _process(id_: str) -> Process:
    try:
        return find_process(id_)
    except NotFound as error:
        raise Problem(str(error), status=404, type_=f"{_EXCEPTIONS}/no-such-process") from error


def _asked(body: bytes) -> Any:
    """The inputs of an execute request."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(f"the body is not JSON: {error}") from error
    if not isinstance(asked, dict):
        raise Problem('the body is an object, such as {"inputs": {…}}')
    strange = sorted(set(asked) - _EXECUTE)
    if "subscriber" in strange:
        raise Problem("this server calls nobody back; ask for the status of the job instead of naming a subscriber")
    if strange:
        raise Problem(f"the body has {', '.join(strange)[:200]}; it takes {', '.join(sorted(_EXECUTE))}")
    return asked.get("inputs", {})


def _status(request: Request, job: Job) -> dict[str, Any]:
    """A job as OGC API Processes tells it."""
    root = f"{base_url(request)}/ogc/jobs/{job.id}"
    links = [_link(root, "self", "Status"), _link(f"{root}/log", "related", "Log")]
    if job.state in (State.SUCCESSFUL, State.FAILED):
        links.append(_link(f"{root}/results", f"{_RELATIONS}/results", "Results"))
    message = job.message if job.problem is None else str(job.problem.get("detail", job.message))
    times = {name: value for name in ("started", "finished") if (value := getattr(job, name)) is not None}
    return {
        "type": "process", "processID": job.process, "jobID": job.id, "status": str(job.state), "message": message,
        "progress": job.progress, "created": job.created, **times, "updated": job.updated, "attempt": job.attempt, "key": job.key,
        "links": links,
    }  # fmt: skip


def _result(request: Request, job: Job) -> dict[str, Any]:
    """Outputs by name: a published result with where it is found, a file with where it is fetched."""
    base, found = base_url(request), dict(job.result or {})
    if "file" in found:
        made = found["file"]
        found["file"] = {
            "href": f"{base}/ogc/jobs/{job.id}/files/{made['name']}", "type": made["type"], "title": made["name"], "length": made["length"],
            "sha256": made["sha256"],
        }  # fmt: skip
    if "result" in found:
        href = f"{base}/api/results/{found['result']['id']}"
        found["result"] = {**found["result"], "links": [_link(href, "about", "The result")]}
    return found


def _here(request: Request, **changed: int) -> str:
    """The address of the list, as clients see it, with every parameter kept."""
    query = request.url.include_query_params(**changed).query
    return f"{base_url(request)}/ogc/jobs" + (f"?{query}" if query else "")


def _link(href: str, rel: str, title: str) -> dict[str, str]:
    return {"href": href, "rel": rel, "type": "application/json", "title": title}


def _only(request: Request, *allowed: str) -> None:
    """Refuse parameters that mean nothing, and forms other than JSON."""
    given = parameters_of(request, {"f", *allowed})
    if given.get("f", "json") != "json":
        raise Problem("processes and jobs come as JSON; leave f out, or take f=json")
