"""Programs of other people that the service is tried with; a test that needs one fails where it is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

__all__ = ["OGCTESTS", "QGIS_PYTHON", "program", "run"]

_ROOT = Path(__file__).parents[3]
# An environment of its own: it pins old versions.
OGCTESTS = _ROOT / ".cache" / "peers" / "ogctests" / "bin" / "python"
# Debian's QGIS is bound to the system's Python.
QGIS_PYTHON = Path("/usr/bin/python3")


def program(name: str) -> str:
    """Path of a program; an error that says how to get it."""
    found = shutil.which(name, path=f"/usr/bin:{os.environ['PATH']}")
    assert found, f"{name} is missing: apt-get install --no-install-recommends gdal-bin python3-qgis"
    return found


def run(command: list[str], *, env: Mapping[str, str] | None = None, timeout_s: float = 300) -> str:
    """What a program prints, on both streams; the test fails if the program does."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "GDAL_", "PROJ_", "VIRTUAL_ENV"))}
    done = subprocess.run(
        command, env={**clean, **(env or {})}, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    text = done.stdout + done.stderr
    assert done.returncode == 0, f"{' '.join(command)}\nended with {done.returncode}:\n{text[-6000:]}"
    return text
