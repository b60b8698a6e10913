"""Publishing in processes of their own, some of which stop where they are told to and wait to be killed.

The processes are forked from a server that has imported everything once, and no thread of the tests runs in it.
"""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from gis.workspace import Workspace
from gis.workspace.objects import ObjectStore, Session
from tests.workspace.made import allocation

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.workspace.writers"])

# Where to stop: owner, method, before it or after.
PAUSES: dict[str, tuple[type, str, bool]] = {
    "staging": (Session, "stage", False),
    "before-keep": (ObjectStore, "keep", True),
    "after-keep": (ObjectStore, "keep", False),
}


def start(root: Path, mass_t: float, pause: str | None = None) -> tuple[BaseProcess, Connection]:
    """A process that publishes into ``root / "ws"``. It says "here" when it begins or stops, and the run's id at the end."""
    ours, theirs = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_publish, args=(root, mass_t, pause, theirs))
    process.start()
    theirs.close()
    return process, ours


def _publish(root: Path, mass_t: float, pause: str | None, pipe: Connection) -> None:
    made = allocation(root / f"inputs-{mass_t}", mass_t=mass_t)
    made.ledger.check()
    with Workspace(root / "ws") as workspace:
        if pause is None:
            pipe.send("here")
        else:
            _stop(*PAUSES[pause], pipe)
        pipe.send(workspace.publish(made).id)


def _stop(owner: type, name: str, before: bool, pipe: Connection) -> None:
    true = getattr(owner, name)

    def stopped(self: Any, *args: Any, **keys: Any) -> Any:
        result = None if before else true(self, *args, **keys)
        pipe.send("here")
        time.sleep(60)
        return result

    setattr(owner, name, stopped)


def messages(pipe: Connection) -> list[str]:
    """What a process that has ended had to say."""
    found = []
    try:
        while pipe.poll():
            found.append(pipe.recv())
    except EOFError:
        pass
    pipe.close()
    return found
