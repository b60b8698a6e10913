/** Vector layers on the map: units, hotspots, conflicts, sources; and the unit that is chosen. */

import { language } from '../language.js';

/** @typedef {import('../types.js').Layer} Layer */
/** @typedef {import('../../vendor/maplibre-gl/maplibre-gl.mjs').Map} MapLibre */
/** @typedef {Record<string, string>} Colours */

/** A shape in several tiles is named in the one that it belongs to. */
const OWN = ['!=', ['get', 'copy'], true];
/** Of borders: colour in light and dark, width, zoom that names show from. @type {Record<string, [string, string, number, number]>} */
const REGIONS = {
  'region-domain': ['#3c4a4f', '#b9c7cb', 1.8, 22],
  'region-county': ['#5c6d73', '#98aab0', 0.9, 7.5],
  'region-township': ['#8a979b', '#6c7f86', 0.6, 10],
  'region-park': ['#7a5c00', '#e0c25a', 1.4, 10],
  'region-red_line': ['#a3262b', '#ff8f8a', 1.4, 9],
  'region-priority': ['#22703f', '#7fd39c', 1.4, 9],
};

export const FONT = 'Cozone Sans';
/** In the order in which they lie upon each other. */
export const OVERLAYS = [
  'region-domain', 'region-township', 'region-county', 'region-priority', 'region-red_line', 'region-park', 'units', 'hotspots', 'conflicts', 'sources',
];

export class Vectors {
  /** @param {MapLibre} map */
  constructor(map) {
    this._map = map;
    /** @type {Map<string, string>} Overlay to the template of its tiles. */
    this._tiles = new Map();
    this._chosen = '';
    this._dark = false;
  }

  /**
   * Show these overlays and no others.
   * @param {{id: string, tiles: string, maxzoom: number}[]} wanted @param {Colours} colours Of classes.
   * @param {[number, number, number, number]} bounds @param {boolean} dark
   */
  show(wanted, colours, bounds, dark) {
    const anew = dark !== this._dark;
    this._dark = dark;
    for (const [id, tiles] of [...this._tiles]) {
      if (anew || !wanted.some((w) => w.id === id && w.tiles === tiles)) this._remove(id);
    }
    for (const { id, tiles, maxzoom } of wanted) {
      if (this._tiles.has(id)) continue;
      this._map.addSource(`v-${id}`, { type: 'vector', tiles: [tiles], bounds, maxzoom });
      for (const layer of /** @type {any[]} */ (layersOf(id, colours, dark))) {
        // Names lie above all areas.
        this._map.addLayer(layer, layer.type === 'symbol' ? this._top() : this._above(id));
      }
      this._tiles.set(id, tiles);
    }
    this.choose(this._chosen);
  }

  /** Mark a unit. @param {string} code */
  choose(code) {
    this._chosen = code;
    if (this._map.getLayer('v-units-chosen')) this._map.setFilter('v-units-chosen', ['==', ['get', 'unit'], code]);
  }

  /** What lies under a point of the screen. @param {{x: number, y: number}} point @returns {{layer: string, properties: Record<string, any>}[]} */
  at(point) {
    const ids = [...this._tiles.keys()].map((id) => `v-${id}-${id === 'sources' ? 'point' : 'fill'}`).filter((id) => this._map.getLayer(id));
    return this._map.queryRenderedFeatures([point.x, point.y], { layers: ids }).map((f) => ({ layer: f.sourceLayer ?? '', properties: f.properties }));
  }

  /** The first layer of what lies above. @param {string} id */
  _above(id) {
    const above = OVERLAYS.slice(OVERLAYS.indexOf(id) + 1).find((other) => this._tiles.has(other));
    const first = above && this._map.getStyle().layers.find((l) => l.id.startsWith(`v-${above}-`));
    return first ? first.id : this._top();
  }

  _top() {
    return this._map.getLayer('overlays-top') ? 'overlays-top' : undefined;
  }

  /** @param {string} id */
  _remove(id) {
    for (const layer of this._map.getStyle().layers) if (layer.id.startsWith(`v-${id}-`)) this._map.removeLayer(layer.id);
    this._map.removeSource(`v-${id}`);
    this._tiles.delete(id);
  }
}

/** @param {string} id @param {Colours} colours @param {boolean} dark @returns {object[]} */
function layersOf(id, colours, dark) {
  const line = dark ? '#f2f5f5' : '#1b2a2e';
  const halo = dark ? '#10191b' : '#ffffff';
  const source = { source: `v-${id}`, 'source-layer': id };
  const colour = ['match', ['get', 'class'], ...Object.entries(colours).flat(), '#888888'];
  if (id === 'units') {
    return [
      { id: 'v-units-fill', type: 'fill', ...source, paint: { 'fill-color': colour, 'fill-opacity': 0.25 } },
      { id: 'v-units-line', type: 'line', ...source, paint: { 'line-color': line, 'line-width': ['interpolate', ['linear'], ['zoom'], 5, 0.4, 10, 1.2] } },
      { id: 'v-units-chosen', type: 'line', ...source, filter: ['==', ['get', 'unit'], ''], paint: { 'line-color': dark ? '#7ff0ff' : '#006b8f', 'line-width': 3.5 } },
      {
        id: 'v-units-label', type: 'symbol', ...source, minzoom: 10, filter: OWN,
        layout: { 'text-field': ['get', language() === 'zh' ? 'name_zh' : 'name_en'], 'text-font': [FONT], 'text-size': 12, 'text-max-width': 9, 'symbol-sort-key': ['get', 'rank'] },
        paint: { 'text-color': line, 'text-halo-color': halo, 'text-halo-width': 1.5 },
      },
    ];
  }
  if (id === 'sources') {
    const size = ['interpolate', ['linear'], ['zoom'], 5, 2, 9, 3.5, 13, 6];
    return [
      { id: 'v-sources-point', type: 'circle', ...source, paint: { 'circle-radius': size, 'circle-color': dark ? '#d7f3ff' : '#12343b', 'circle-opacity': 0.85, 'circle-stroke-color': halo, 'circle-stroke-width': 1 } },
      {
        id: 'v-sources-label', type: 'symbol', ...source, minzoom: 11,
        layout: { 'text-field': ['coalesce', ['get', language() === 'zh' ? 'name_zh' : 'name_en'], ['get', 'name_zh'], ''], 'text-font': [FONT], 'text-size': 11, 'text-offset': [0, 0.8], 'text-anchor': 'top', 'text-max-width': 8 },
        paint: { 'text-color': line, 'text-halo-color': halo, 'text-halo-width': 1.5 },
      },
    ];
  }
  if (id.startsWith('region-')) return region(id, source, dark);
  const strong = id === 'conflicts' ? (dark ? '#ff9df5' : '#9c0083') : line;
  return [
    { id: `v-${id}-fill`, type: 'fill', ...source, paint: { 'fill-color': id === 'conflicts' ? strong : colour, 'fill-opacity': id === 'conflicts' ? 0.3 : 0.15 } },
    { id: `v-${id}-line`, type: 'line', ...source, paint: { 'line-color': strong, 'line-width': 1.4, 'line-dasharray': [2, 1.5] } },
  ];
}

/** Borders: drawn under what is measured, in quiet colours; the protected ones are tinted. @param {string} id @param {object} source @param {boolean} dark @returns {object[]} */
function region(id, source, dark) {
  const [light, night, width, from] = REGIONS[id] ?? REGIONS['region-county'];
  const colour = dark ? night : light;
  const guarded = id === 'region-red_line' || id === 'region-priority';
  return [
    ...(guarded ? [{ id: `v-${id}-tint`, type: 'fill', ...source, paint: { 'fill-color': colour, 'fill-opacity': 0.14 } }] : []),
    { id: `v-${id}-line`, type: 'line', ...source, paint: { 'line-color': colour, 'line-width': width, ...(guarded ? { 'line-dasharray': [3, 1.5] } : {}) } },
    {
      id: `v-${id}-label`, type: 'symbol', ...source, minzoom: from, filter: OWN,
      layout: { 'text-field': ['coalesce', ['get', language() === 'zh' ? 'name_zh' : 'name_en'], ['get', 'name_zh'], ''], 'text-font': [FONT], 'text-size': 11.5, 'text-max-width': 7, 'text-padding': 6 },
      paint: { 'text-color': colour, 'text-halo-color': dark ? '#10191b' : '#ffffff', 'text-halo-width': 1.5 },
    },
  ];
}
