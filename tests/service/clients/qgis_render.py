"""Run by Debian's Python, not by pytest: load layers into QGIS as a user would, render them, say what was seen.

Arguments: a JSON file with `vectors` (name → OAPIF id), `ogc`, `wmts` (capabilities), `wmts_layers`, `tiles` (template of
vector tiles), `crs`, `extent` and `png` (name → file). Prints one JSON document.
"""

import json
import os
import sys

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeatureRequest,
    QgsFillSymbol,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
    QgsVectorTileLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

_FILLS = {
    "units": {"color": "0,0,0,0", "outline_color": "20,20,20,255", "outline_width": "0.8"},
    "hotspots": {"color": "0,0,0,0", "outline_color": "0,120,220,255", "outline_width": "0.5"},
    "cells": {"color": "230,90,30,150", "outline_style": "no"},
}


def vector(given, name):
    uri = f"url='{given['ogc']}' typename='{given['vectors'][name]}' restrictToRequestBBOX='1'"
    layer = QgsVectorLayer(uri, name, "OAPIF")
    assert layer.isValid(), (
        f"{name}: {layer.error().summary()} {layer.dataProvider().error().summary() if layer.dataProvider() else ''}"
    )
    layer.setRenderer(QgsSingleSymbolRenderer(QgsFillSymbol.createSimple(_FILLS[name])))
    return layer


def seen(layer):
    features = list(layer.getFeatures(QgsFeatureRequest()))
    return {
        "count": layer.featureCount(),
        "read": len(features),
        "crs": layer.crs().authid(),
        "fields": {field.name(): field.typeName() for field in layer.fields()},
        "mass": sum(f["co2_t"] for f in features),
    }


def wmts(given, layer):
    uri = (
        f"contextualWMSLegend=0&crs=EPSG:3857&dpiMode=7&format=image/png&layers={layer}&styles=&tileMatrixSet=WebMercatorQuad"
        f"&url={given['wmts']}"
    )
    found = QgsRasterLayer(uri, layer, "wms")
    assert found.isValid(), f"{layer}: {found.error().summary()}"
    return found


def vector_tiles(given):
    found = QgsVectorTileLayer(f"type=xyz&url={given['tiles']}&zmin=0&zmax=14", "vector tiles")
    assert found.isValid(), found.error().summary()
    return found


def render(layers, given, path):
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setBackgroundColor(QColor(255, 255, 255))
    settings.setOutputSize(QSize(1000, 800))
    target = QgsCoordinateReferenceSystem("EPSG:3857")
    settings.setDestinationCrs(target)
    move = QgsCoordinateTransform(QgsCoordinateReferenceSystem("OGC:CRS84"), target, QgsProject.instance())
    box = move.transformBoundingBox(QgsRectangle(*given["extent"]))
    box.scale(1.05)
    settings.setExtent(box)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    errors = [error.message for error in job.errors()]
    image = job.renderedImage()
    assert image.save(path), path
    white = QColor(255, 255, 255).rgb()
    drawn = sum(image.pixel(x, y) != white for x in range(0, 1000, 10) for y in range(0, 800, 10))
    return {"errors": errors, "drawn": drawn / 8000}


def main():
    given = json.loads(open(sys.argv[1], encoding="utf-8").read())
    app = QgsApplication([], False)
    app.initQgis()
    vectors = {name: vector(given, name) for name in given["vectors"]}
    said = {"vectors": {name: seen(layer) for name, layer in vectors.items()}, "pictures": {}}
    pictures = {"features": [vectors["units"], vectors["hotspots"], vectors["cells"]]}
    pictures |= {f"wmts {name}": [wmts(given, name)] for name in given["wmts_layers"]}
    pictures["vector tiles"] = [vector_tiles(given)]
    pictures["all"] = [vectors["units"], *(layers[0] for name, layers in pictures.items() if name != "features")]
    for name, layers in pictures.items():
        said["pictures"][name] = render(layers, given, given["png"][name])
    print("SAID " + json.dumps(said), flush=True)
    # Qt's threads and Python's collector end in no certain order, now and then in a fault: all is said, so leave at once.
    os._exit(0)


main()
