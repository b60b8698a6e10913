"""Gridded inventories and rasters: EDGAR, MEIC, IOAPI, NetCDF, GeoTIFF and ESRI ASCII grids as layers of t/yr on their own grid."""

from gis.inventory.readers.gridded.amounts import scan_field
from gis.inventory.readers.gridded.part import GriddedRead, Wanted, read_gridded
from gis.inventory.readers.gridded.raster import read_raster

__all__ = ["GriddedRead", "Wanted", "read_gridded", "read_raster", "scan_field"]
