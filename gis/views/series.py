"""Series: amounts over the years of a run, as a whole or in one place."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from shapely.geometry.base import BaseGeometry

from gis.views.origins import Origins
from gis.views.places import ground_under
from gis.views.totals import COLUMNS, By, totals
from gis.views.views import Views
from gis.views.zonal import amounts_in, inside
from gis.workspace import Run

__all__ = ["SERIES_COLUMNS", "place_series", "series"]

SERIES_COLUMNS = ("year", *COLUMNS)


def series(run: Run, by: By) -> pd.DataFrame:
    """Totals of every year, by species, sector or tier."""
    return _joined(run, [totals(run, year, by) for year in run.years])


def place_series(
    views: Views, origins: Origins, polygon: BaseGeometry, *, key: str, name_zh: str, name_en: str
) -> pd.DataFrame:
    """Amounts of every year and species in a polygon of the grid's CRS, counted as those of control units; share of the run's."""
    run = origins.run
    zone = inside(run.grid, polygon, ground=ground_under(views.files, run, polygon))
    frames = []
    for year in run.years:
        held = amounts_in(views, origins, zone, year).amount_t
        frame = totals(run, year, By.SPECIES)
        amount = dict(zip(run.species, held.tolist(), strict=True))
        frame["share"] = frame["species"].map(amount) / frame["amount_t"].where(frame["amount_t"] > 0)
        frame["amount_t"] = frame["species"].map(amount)
        frames.append(frame.assign(key=key, name_zh=name_zh, name_en=name_en))
    return _joined(run, frames)


def _joined(run: Run, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    dated = [frame.assign(year=year) for year, frame in zip(run.years, frames, strict=True)]
    return pd.concat(dated, ignore_index=True)[list(SERIES_COLUMNS)]
