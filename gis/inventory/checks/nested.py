"""Finer inventories that emit where they replace nothing: there their mass stands beside the coarser one's."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.inventory.checks.marks import annual_mass_t
from gis.inventory.description import Kind
from gis.inventory.findings import Finding, Severity
from gis.inventory.model import Inventory, SourcePart

__all__ = ["nested_findings"]

# A share below this is a border drawn twice, not an emission outside.
_NEGLIGIBLE = 1e-6


def nested_findings(inventory: Inventory) -> list[Finding]:
    """A finding for every part that replaces others inside a region and has mass outside all regions it names."""
    found = []
    for part in inventory.parts:
        codes = [entry.region for entry in part.policy.replaces if entry.region is not None]
        if isinstance(part, SourcePart) and len(codes) == len(part.policy.replaces) > 0:
            found += _outside(part, codes, inventory)
    return found


def _outside(part: SourcePart, codes: list[str], inventory: Inventory) -> list[Finding]:
    shapes = [s for code in codes for s in inventory.regions.find(code).to_crs(part.crs)]
    share = _share_outside(part, shapely.union_all(shapes))
    mass_t = share @ annual_mass_t(part, inventory.species)
    mass = {s.code: float(m) for s, m in zip(inventory.species, mass_t, strict=True) if m > 0}
    if not mass:
        return []
    coarser = ", ".join(sorted({name for entry in part.policy.replaces for name in entry.parts}))
    reason = (
        f"{int((share > 0).sum())} source(s) emit outside the region(s) {', '.join(codes)}, inside which this part replaces "
        f"{coarser}; outside both are allocated. If the coarser part counts them too, they are counted twice"
    )
    return [Finding(Severity.WARNING, "outside-replaced-region", reason, part=part.name, mass_t=mass)]


def _share_outside(part: SourcePart, region: shapely.geometry.base.BaseGeometry) -> NDArray[np.float64]:
    shapely.prepare(region)
    if part.x is not None and part.y is not None:
        return (~shapely.intersects_xy(region, part.x, part.y)).astype(np.float64)
    shapes = part.geometry.to_numpy()
    measure = shapely.area if part.kind is Kind.AREA else shapely.length
    share = np.zeros(len(shapes))
    cut = np.flatnonzero(~shapely.covers(region, shapes))
    share[cut] = measure(shapely.difference(shapes[cut], region)) / measure(shapes[cut])
    share[share < _NEGLIGIBLE] = 0.0
    return share
