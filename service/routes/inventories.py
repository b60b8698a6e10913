"""Inventories of the workspace: what there is, uploads, removal."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from service.dependencies import CallerDep, SettingsDep, base_url
from service.errors import Forbidden, Problem
from service.jobs.inventories import Inventories, StoredInventory
from service.jobs.queue import Queue
from service.jobs.uploads import receive
from service.keys import Scope
from service.routes.audited import AuditedRoute
from service.settings import Settings

__all__ = ["router"]

router = APIRouter(prefix="/api/inventories", tags=["inventories"], route_class=AuditedRoute)
_PRIVATE = {"Cache-Control": "no-store"}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The request does not fit."},
    401: {"description": "A key is needed."},
    403: {"description": "The key does not reach so far, or uploads are switched off."},
    503: {"description": "The workspace cannot be read or written at the moment."},
}
_NONE: dict[int | str, dict[str, Any]] = {404: {"description": "No inventory has that name."}}


class InventoryFile(BaseModel):
    """A file of an inventory."""

    name: str
    bytes: int


class InventorySummary(BaseModel):
    """An inventory; ``fault`` says why it cannot be gridded."""

    name: str
    created: str
    title_zh: str
    title_en: str
    source: str
    licence: str
    years: list[int]
    species: list[str]
    bytes: int
    fault: str | None


class InventoryDetail(InventorySummary):
    """An inventory with its parts and files."""

    parts: list[dict[str, str]]
    files: list[InventoryFile]


@router.get("", summary="Inventories", response_model=list[InventorySummary], responses=_PROBLEMS)
def inventories(settings: SettingsDep, caller: CallerDep) -> Response:
    """All inventories, by name."""
    caller.need(Scope.READ)
    kept = Inventories(settings.workspace)
    return JSONResponse([_summary(kept.find(name)) for name in kept.names()], headers=_PRIVATE)


@router.post(
    "", name="upload_inventory", summary="Upload an inventory: its files in a form, or one ZIP", status_code=201,
    response_model=InventoryDetail,
    responses={
        **_PROBLEMS,
        409: {"description": "An inventory of that name is there."},
        413: {"description": "More than may be sent or unpacked."},
        415: {"description": "Neither a form nor a ZIP."},
        422: {"description": "A file cannot be taken; the detail says which and why."},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {"type": "object", "properties": {"file": {"type": "array", "items": {"type": "string", "format": "binary"}}}}
                },
                "application/zip": {"schema": {"type": "string", "format": "binary"}},
            },
        }
    },
)  # fmt: skip
async def upload(
    request: Request,
    settings: SettingsDep,
    caller: CallerDep,
    name: Annotated[str, Query(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$", description="Name of the inventory.")],
) -> Response:
    """The inventory, whole; after any fault there is nothing of it."""
    caller.need(Scope.RUN)
    if not settings.uploads:
        raise Forbidden("uploads are switched off here")
    kept = Inventories(settings.workspace)
    incoming = await run_in_threadpool(kept.receive, name)
    try:
        await receive(request.stream(), request.headers.get("content-type", ""), incoming, settings)
        await run_in_threadpool(incoming.keep)
    finally:
        await run_in_threadpool(incoming.close)
    made = await run_in_threadpool(kept.find, name)
    return JSONResponse(
        _detail(made), 201, headers={**_PRIVATE, "Location": f"{base_url(request)}/api/inventories/{name}"}
    )


@router.get("/{name}", summary="An inventory", response_model=InventoryDetail, responses={**_PROBLEMS, **_NONE})
def inventory(settings: SettingsDep, caller: CallerDep, name: str) -> Response:
    """The inventory with its parts and files."""
    caller.need(Scope.READ)
    return JSONResponse(_detail(Inventories(settings.workspace).find(name)), headers=_PRIVATE)


@router.delete(
    "/{name}", name="delete_inventory", summary="Remove an inventory; runs made of it keep copies of its files", status_code=204,
    response_model=None, responses={**_PROBLEMS, **_NONE, 409: {"description": "A job that waits or runs names it."}},
)  # fmt: skip
def delete(settings: SettingsDep, caller: CallerDep, name: str) -> Response:
    """Nothing, when it is gone."""
    caller.need(Scope.ADMIN)
    kept = Inventories(settings.workspace)
    kept.folder(name)
    _refuse_in_use(settings, name)
    kept.delete(name)
    return Response(status_code=204)


def _refuse_in_use(settings: Settings, name: str) -> None:
    users = [job.id for job in Queue(settings.workspace).unfinished() if job.inputs.get("inventory") == name]
    if users:
        raise Problem(f"job {users[0]} is to read it; dismiss the job, or wait for it", status=409)


def _summary(found: StoredInventory) -> dict[str, Any]:
    about = found.description
    told = {name: getattr(about, name, "") for name in ("title_zh", "title_en", "source", "licence")}
    return {
        "name": found.name,
        "created": found.created,
        **told,
        "years": list(about.years) if about else [],
        "species": list(about.species_used) if about else [],
        "bytes": sum(f.bytes for f in found.files),
        "fault": found.fault or None,
    }


def _detail(found: StoredInventory) -> dict[str, Any]:
    parts = [{"name": p.name, "kind": str(p.kind)} for p in found.description.parts] if found.description else []
    return {**_summary(found), "parts": parts, "files": [{"name": f.name, "bytes": f.bytes} for f in found.files]}
