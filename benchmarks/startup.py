"""What a person waits for before anything happens: ``cozone --help`` and ``import gis``, whole processes."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.rows import Row, alternate


def _process(*command: str) -> Callable[[], object]:
    return lambda: subprocess.run(command, check=True, capture_output=True)


def run(repeats: int = 5) -> list[Row]:
    python = sys.executable
    cozone = str(Path(python).with_name("cozone"))
    took = alternate(
        {
            "help": _process(cozone, "--help"),
            "gis": _process(python, "-c", "import gis"),
            "all of gis": _process(python, "-c", "import gis; gis.allocate, gis.read_inventory, gis.Workspace"),
            "geopandas, numba": _process(python, "-c", "import geopandas, numba"),
        },
        repeats,
    )
    return [
        Row("cozone --help", took["help"], {}, "<= 0.4 s", ""),
        Row(
            "import gis",
            took["gis"],
            {"import geopandas, numba": took["geopandas, numba"]},
            "<= 1.1 x",
            f"with everything loaded {took['all of gis']:.2f} s",
        ),
    ]
