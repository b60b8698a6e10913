"""The whole API by its own descriptions: whatever a client sends, no error of ours and no status that is not documented."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.main import create_app
from service.settings import Settings

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
FEW = settings(
    max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck),
)  # fmt: skip
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def app(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A service over a copy that may be written to, by a caller who may do everything."""
    workspace = tmp_path_factory.mktemp("schema") / "workspace"
    shutil.copytree(published, workspace)
    app = create_app(Settings(workspace=workspace, show_facilities=True, open_writes=True))

    async def without_an_end(scope: Any, receive: Any, send: Any) -> None:
        """The application; it is not ended after every request, as the client of schemathesis would have it."""
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    yield without_an_end
    app.state.pool.close()
    app.state.library.close()


@pytest.mark.parametrize("document", ["/api/openapi.json", "/ogc/api"])
def test_no_operation_fails_or_answers_what_it_does_not_document(app: Any, document: str) -> None:
    schema = schemathesis.openapi.from_asgi(document, app)
    faults: dict[str, str] = {}
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 5
    for operation in operations:

        @FEW
        @given(case=operation.as_strategy())
        def check(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS)

        try:
            check()
        except (Exception, ExceptionGroup) as error:
            faults[f"{operation.method.upper()} {operation.path}"] = str(error)[:1500]
    assert not faults, "\n\n".join(f"{where}\n{what}" for where, what in faults.items())
