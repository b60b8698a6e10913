"""``python -m data.generate --out DIR``: the demo inventory; with ``--national``, the input of the national benchmark."""

from __future__ import annotations

import argparse
from pathlib import Path

from data.generate.demo import draw, write
from data.generate.national import National, generate

SEED = 2024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m data.generate", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="directory to write to; it is made")
    parser.add_argument("--seed", type=int, default=SEED, help="another seed is another province (default %(default)s)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="demo: times the counties, townships, plants and roads"
    )
    parser.add_argument("--national", action="store_true", help="a country the size of China instead of the province")
    for field, text in (
        ("points", "point sources"),
        ("roads", "road polylines of ten segments each"),
        ("counties", "counties with totals"),
        ("surrogates", "rasters that spread the totals"),
    ):
        parser.add_argument(f"--{field}", type=int, default=getattr(National(), field), help=f"national: {text}")
    return parser.parse_args()


def main() -> None:
    """Run the generator from the command line."""
    given = _arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.national:
        size = National(given.points, given.roads, given.counties, given.surrogates)
        generate(size, given.out, seed=given.seed)
    else:
        write(draw(scale=given.scale, seed=given.seed), given.out)


if __name__ == "__main__":
    main()
