"""Errors as WMTS clients read them: an ``ows:ExceptionReport``."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from starlette.responses import Response

from gis.errors import InvalidParameter
from service.errors import as_problem
from service.tiles.capabilities import OWS, clean

__all__ = ["OwsError", "report_of"]

_SCHEMA = "http://schemas.opengis.net/ows/1.1.0/owsExceptionReport.xsd"
_XML = "application/xml"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"


class OwsError(InvalidParameter):
    """A request that WMTS has a code for; ``locator`` is the parameter at fault."""

    def __init__(self, text: str, *, code: str, locator: str = "") -> None:
        super().__init__(text)
        self.code, self.locator = code, locator


def report_of(error: Exception) -> Response:
    """The answer to a request that failed."""
    problem = as_problem(error)
    code, locator = (
        (error.code, error.locator)
        if isinstance(error, OwsError)
        else (_CODES.get(problem.status, "NoApplicableCode"), "")
    )
    root = ET.Element(f"{{{OWS}}}ExceptionReport", {"version": "1.1.0", "xml:lang": "en", _XSI: f"{OWS} {_SCHEMA}"})
    found = ET.SubElement(
        root, f"{{{OWS}}}Exception", {"exceptionCode": code, **({"locator": locator} if locator else {})}
    )
    ET.SubElement(found, f"{{{OWS}}}ExceptionText").text = clean(problem.detail)
    body = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return Response(body, problem.status, {"Cache-Control": "no-store", **problem.headers}, media_type=_XML)


_CODES = {400: "InvalidParameterValue", 404: "InvalidParameterValue"}
