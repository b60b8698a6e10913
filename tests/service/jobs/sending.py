"""Uploads of a small inventory, whole or with something in it that should not be there."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from tests.service.inventories import DESCRIPTION, GRID, HEAD, ROWS

Headers = dict[str, dict[str, str]]
Files = Mapping[str, bytes]
TINY: Files = {
    "inventory.toml": DESCRIPTION.format(file="plants.csv").encode(), "plants.csv": (HEAD + ROWS).encode(), "grid.toml": GRID.encode(),
}  # fmt: skip


def packed(files: Files, *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def send(http: TestClient, body: bytes, keys: Headers, *, name: str = "sent") -> Any:
    headers = {**keys["run"], "Content-Type": "application/zip"}
    return http.post(f"/api/inventories?name={name}", content=body, headers=headers)


def send_form(http: TestClient, files: Files, keys: Headers, *, name: str = "sent") -> Any:
    form = [("file", (file, data)) for file, data in files.items()]
    return http.post(f"/api/inventories?name={name}", files=form, headers=keys["run"])


def left(workspace: Path) -> list[str]:
    return sorted(p.name for p in (workspace / "inventories").iterdir())


def refused(answer: Any, workspace: Path, *statuses: int) -> str:
    """Why an upload was refused; nothing of it is left."""
    assert answer.status_code in (statuses or (400, 413, 415, 422)), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert left(workspace) == ["tiny"]
    assert str(workspace) not in answer.text and ".incoming" not in answer.text
    return str(answer.json()["detail"])
