"""The review report of a zoning: one HTML file with everything in it, to be read on a screen or printed."""

from gis.exports.report.write import LANGUAGES, write_report

__all__ = ["LANGUAGES", "write_report"]
