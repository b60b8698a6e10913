"""The form in which notebooks are kept: no outputs, no counts, one way to write the JSON.

``python -m tests.notebooks.form`` brings every notebook of the repository into it, after it was run or edited.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def notebooks() -> list[Path]:
    """All notebooks, in their order."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def source_of(cell: dict[str, Any]) -> str:
    """Text of a cell, which the format allows as one text or as a list of lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def kept(text: str) -> str:
    """The notebook as it is kept."""
    found = json.loads(text)
    cells = [_kept_cell(cell) for cell in found["cells"]]
    notebook = {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _kept_cell(cell: dict[str, Any]) -> dict[str, Any]:
    # Lines end as Unix ends them; other separators (as in a text of a figure) are no ends of lines.
    lines = source_of(cell).strip("\n").split("\n")
    source = [f"{line}\n" for line in lines[:-1]] + lines[-1:]
    out = {"cell_type": cell["cell_type"], "id": cell["id"], "metadata": {}, "source": source}
    return out | ({"execution_count": None, "outputs": []} if cell["cell_type"] == "code" else {})


def main() -> None:
    for path in notebooks():
        path.write_text(kept(path.read_text("utf-8")), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
