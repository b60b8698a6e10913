/** A net of meridians and parallels for what is in view, labelled at its edge. */

import { FONT } from './vectors.js';

/** @typedef {import('../../vendor/maplibre-gl/maplibre-gl.mjs').Map} MapLibre */

const STEPS = [30, 20, 10, 5, 2, 1, 0.5, 0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.0025, 0.001];
const ID = 'graticule';

export class Graticule {
  /** @param {MapLibre} map */
  constructor(map) {
    this._map = map;
    this._redraw = () => this._draw();
  }

  /** @param {boolean} wanted @param {boolean} dark */
  show(wanted, dark) {
    if (this._map.getSource(ID)) {
      this._map.removeLayer(`${ID}-line`);
      this._map.removeLayer(`${ID}-label`);
      this._map.removeSource(ID);
      this._map.off('move', this._redraw);
    }
    if (!wanted) return;
    const ink = dark ? '#9fb4b9' : '#4a5d63';
    const above = this._map.getLayer('overlays') ? 'overlays' : undefined;
    this._map.addSource(ID, { type: 'geojson', data: { type: 'FeatureCollection', features: [] } });
    this._map.addLayer({ id: `${ID}-line`, type: 'line', source: ID, filter: ['==', ['geometry-type'], 'LineString'], paint: { 'line-color': ink, 'line-opacity': 0.55, 'line-width': 0.7 } }, above);
    this._map.addLayer({
      id: `${ID}-label`, type: 'symbol', source: ID, filter: ['==', ['geometry-type'], 'Point'],
      layout: { 'text-field': ['get', 'text'], 'text-font': [FONT], 'text-size': 11, 'text-anchor': ['get', 'anchor'], 'text-offset': [0.2, 0.2], 'text-allow-overlap': true, 'text-ignore-placement': true },
      paint: { 'text-color': ink, 'text-halo-color': dark ? '#10191b' : '#ffffff', 'text-halo-width': 1.4 },
    });
    this._map.on('move', this._redraw);
    this._draw();
  }

  _draw() {
    const source = /** @type {any} */ (this._map.getSource(ID));
    if (source) source.setData({ type: 'FeatureCollection', features: net(this._map.getBounds().toArray().flat()) });
  }
}

/**
 * Lines and labels of the net inside bounds.
 * @param {number[]} bounds West, south, east, north.
 * @returns {object[]}
 */
export function net([west, south, east, north]) {
  const step = STEPS.find((s) => (east - west) / s >= 5) ?? 0.001;
  const features = [];
  for (const lon of multiples(west, east, step)) {
    features.push(line([[lon, Math.max(south, -85)], [lon, Math.min(north, 85)]]));
    features.push(label(lon, north, degree(wrapped(lon), step, 'E', 'W'), 'top-left'));
  }
  for (const lat of multiples(Math.max(south, -85), Math.min(north, 85), step)) {
    features.push(line([[west, lat], [east, lat]]));
    features.push(label(west, lat, degree(lat, step, 'N', 'S'), 'bottom-left'));
  }
  return features;
}

/** @param {number} low @param {number} high @param {number} step */
function multiples(low, high, step) {
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.max(0, Math.floor(high / step) - first + 1) }, (_, k) => (first + k) * step);
}

/** @param {number} lon */
function wrapped(lon) {
  return ((((lon + 180) % 360) + 360) % 360) - 180;
}

/** @param {number} value @param {number} step @param {string} plus @param {string} minus */
function degree(value, step, plus, minus) {
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9) + (/25/.test(String(step)) ? 1 : 0));
  return `${Math.abs(value).toFixed(digits)}°${value > 1e-9 ? plus : value < -1e-9 ? minus : ''}`;
}

/** @param {number[][]} coordinates */
function line(coordinates) {
  return { type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates } };
}

/** @param {number} lon @param {number} lat @param {string} text @param {string} anchor */
function label(lon, lat, text, anchor) {
  return { type: 'Feature', properties: { text, anchor }, geometry: { type: 'Point', coordinates: [lon, lat] } };
}
