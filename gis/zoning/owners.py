"""Owners: the jurisdiction of every cell of a domain, for what is said region by region."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from gis.gridding.coverage import cover
from gis.hotspots.domain import Domain
from gis.kernels.owners import largest_owner
from gis.regions.domain import domain_layer
from gis.regions.measure import made_valid, shapes_of
from gis.regions.model import RegionLayer, Regions
from gis.regions.roles import Role

__all__ = ["Owners", "jurisdiction_layer", "owners_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Owners:
    """For each cell of a domain the jurisdiction that has most of it (position in ``codes``), -1 for none.

    ``keys`` identify the jurisdictions in random numbers by their codes, whatever their number and order.
    """

    codes: tuple[str, ...]
    of_cell: NDArray[np.int32]

    @property
    def keys(self) -> NDArray[np.uint64]:
        """A number for each code."""
        digests = [hashlib.sha256(code.encode()).digest()[:8] for code in self.codes]
        return np.array([int.from_bytes(d, "big") for d in digests], np.uint64)


def jurisdiction_layer(regions: Regions) -> RegionLayer | None:
    """The layer whose regions decide: counties, else the regions of the domain where there are several."""
    counties = regions.layer(Role.COUNTY)
    if counties is not None:
        return counties
    layer = domain_layer(regions)
    return layer if layer is not None and len(layer) > 1 else None


def owners_of(domain: Domain, regions: Regions) -> Owners:
    """The jurisdiction of every cell; none at all where no layer states several."""
    layer = jurisdiction_layer(regions)
    if layer is None:
        return Owners((), np.full(domain.size, -1, np.int32))
    shapes = gpd.GeoSeries(made_valid(shapes_of(layer.frame)), crs=layer.frame.crs)
    found = cover(shapes, domain.grid, invalid="repair", empty="skip")
    count = np.diff(found.shares.indptr)
    area = found.shares.data * np.repeat(found.area_m2, count)
    owner, most = np.empty(domain.grid.size, np.int32), np.empty(domain.grid.size)
    largest_owner(found.shares.indptr.astype(np.int64), found.shares.indices.astype(np.int64), area, most, owner)
    return Owners(tuple(layer.frame["code"].astype(str)), owner[domain.cells])
