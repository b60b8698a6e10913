/**
 * Where the class of cells is not the same in two zonings: a sign for what entered, left or changed, so that the colours of classes stay what
 * they are. Zoomed out, a sign stands for the largest change of a block; zoomed in, every cell has its own, and an outline.
 */

import { FONT } from './vectors.js';

/** @typedef {import('../../vendor/maplibre-gl/maplibre-gl.mjs').Map} MapLibre */

const ID = 'changed-cells';
/** @type {Record<string, string>} */
export const SIGNS = { entered: '+', left: '−', changed: '≠' };

export class ChangedCells {
  /** @param {MapLibre} map */
  constructor(map) {
    this._map = map;
    this._shown = '';
  }

  /** Show the tiles of this template; empty for none. @param {string} tiles @param {number} maxzoom @param {boolean} dark */
  show(tiles, maxzoom, dark) {
    const wanted = tiles && `${tiles} ${dark}`;
    if (wanted === this._shown) return;
    this._clear();
    this._shown = wanted;
    if (!tiles) return;
    const [ink, halo] = dark ? ['#ffffff', '#10191b'] : ['#10191b', '#ffffff'];
    const source = { source: ID, 'source-layer': 'changes' };
    // Halves of a cell that two tiles share come in both; one of them is marked as a copy.
    const own = /** @type {any} */ (['!=', ['get', 'copy'], true]);
    const sign = /** @type {any} */ (['match', ['get', 'change'], ...Object.entries(SIGNS).flat(), '']);
    this._map.addSource(ID, { type: 'vector', tiles: [tiles], maxzoom });
    this._map.addLayer({ id: `${ID}-halo`, type: 'line', ...source, minzoom: maxzoom, paint: { 'line-color': halo, 'line-width': 4 } });
    this._map.addLayer({ id: `${ID}-line`, type: 'line', ...source, minzoom: maxzoom, paint: { 'line-color': ink, 'line-width': 1.6 } });
    this._map.addLayer({
      id: `${ID}-sign`, type: 'symbol', ...source, filter: own,
      layout: { 'text-field': sign, 'text-font': [FONT], 'text-size': 19, 'text-allow-overlap': true, 'text-ignore-placement': true },
      paint: { 'text-color': ink, 'text-halo-color': halo, 'text-halo-width': 2 },
    });
  }

  _clear() {
    if (!this._map.getSource(ID)) return;
    for (const { id } of this._map.getStyle().layers) if (id.startsWith(`${ID}-`)) this._map.removeLayer(id);
    this._map.removeSource(ID);
  }
}
