"""``python -m gis.warm [STAGE …]``: compile what is not compiled yet, on all processors, and say what took how long."""

from __future__ import annotations

import sys

from gis.warm.compiling import Compiling
from gis.warm.stages import Stage

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Compile the stages named, or all."""
    known = {str(stage): stage for stage in Stage}
    strange = [text for text in arguments if text not in known]
    if strange:
        sys.exit(f"no stage {', '.join(strange)}; there are {', '.join(known)}")
    with Compiling([known[text] for text in arguments] or tuple(Stage)) as compiling:
        for name, seconds in compiling.results():
            print(f"kernels ready: {name} ({seconds:.1f} s)", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
