"""Notebooks executed as a reader would, in a copy of their folder, and what came out of it."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.notebooks.form import NOTEBOOKS

__all__ = ["Ran", "place", "run"]

_CELL_S = 240
# Before the notebook: whatever asks for another host fails, and every figure is noted as it is drawn.
_BEFORE = """
import socket as _socket
from matplotlib.backend_bases import FigureCanvasBase as _Canvas

_connect, _draw, _figures = _socket.socket.connect, _Canvas.print_figure, []

def _only_here(self, address):
    if self.family != _socket.AF_UNIX and str(address[0]) not in ("127.0.0.1", "::1", "localhost"):
        raise RuntimeError(f"a notebook asks for {address}")
    return _connect(self, address)

def _noted(self, *args, **options):
    _figures.append([
        {
            "bar": axes.get_label() == "<colorbar>", "title": axes.get_title(), "x": axes.get_xlabel(), "y": axes.get_ylabel(),
            "ticks": [t.get_text() for t in [*axes.get_xticklabels(), *axes.get_yticklabels()]],
            "key": axes.get_legend() is not None, "suptitle": self.figure.get_suptitle(),
        } for axes in self.figure.axes
    ])
    return _draw(self, *args, **options)

_socket.socket.connect, _Canvas.print_figure = _only_here, _noted
"""


@dataclass(frozen=True)
class Ran:
    """What a notebook printed, how many pictures came out, what its figures say, and values of its variables."""

    printed: str
    errors: str
    pictures: int
    figures: list[list[dict[str, Any]]]
    facts: dict[str, Any]
    folder: Path


def place(directory: Path) -> Path:
    """A copy of the folder of notebooks, with the demo data where they look for them, and nothing else."""
    folder = directory / "notebooks"
    folder.mkdir()
    for path in [*NOTEBOOKS.glob("*.ipynb"), *NOTEBOOKS.glob("*.py")]:
        shutil.copy2(path, folder)
    (directory / "data").mkdir()
    (directory / "data" / "demo").symlink_to(NOTEBOOKS.parent / "data" / "demo")
    return folder


def run(name: str, folder: Path, facts: dict[str, str]) -> Ran:
    """Execute a notebook of the folder; ``facts`` are expressions, evaluated when it is through."""
    try:
        import nbformat
        from nbclient import NotebookClient
    except ImportError as error:
        told = f"{error}; pip install -r requirements/notebooks.txt"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    notebook = nbformat.read(next(folder.glob(f"{name}-*.ipynb")), as_version=4)
    nbformat.validate(notebook)
    values = ", ".join(f"{key!r}: {expression}" for key, expression in facts.items())
    after = f"import json as _json\nprint(_json.dumps([_figures, {{{values}}}], default=float))"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(_BEFORE))
    notebook.cells.append(nbformat.v4.new_code_cell(after))
    client = NotebookClient(
        notebook, kernel_name="python3", timeout=_CELL_S, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return _read(notebook, folder)


def _read(notebook: Any, folder: Path) -> Ran:
    outputs = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
    streams = {
        n: "".join(o.text for o in outputs[:-1] if o.output_type == "stream" and o.name == n)
        for n in ("stdout", "stderr")
    }
    errors = [f"{o.ename}: {o.evalue}" for o in outputs if o.output_type == "error"]
    late = "".join(o.text for o in outputs[-1:] if o.name == "stderr")
    pictures = sum("image/png" in o.get("data", {}) for o in outputs)
    figures, facts = json.loads(outputs[-1].text)
    return Ran(
        streams["stdout"], "\n".join([streams["stderr"] + late, *errors]).strip(), pictures, figures, facts, folder
    )
