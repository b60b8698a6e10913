/**
 * The raster layer of a map. A new picture is loaded behind the old one, which goes when the new one is whole: nothing flickers.
 * Pictures do not pile up while a slider moves: one is loaded at a time, and after it the newest that is wanted.
 */

import { Latest } from '../latest.js';

/** @typedef {import('../../vendor/maplibre-gl/maplibre-gl.mjs').Map} MapLibre */
/** @typedef {{tiles: string, attribution: string}} Picture */

const BEFORE = 'overlays';
/** Tiles of a picture that are asked for again where the service was busy, and after how many milliseconds. */
const AGAIN = 40;
const PAUSE = 1500;
/** Milliseconds that a picture may still take when the same layer is wanted with another threshold; another layer does not wait. */
const PATIENCE = 1000;

export class Raster {
  /** @param {MapLibre} map @param {[number, number, number, number]} bounds */
  constructor(map, bounds) {
    this._map = map;
    this.bounds = bounds;
    this._count = 0;
    this._tiles = '';
    this._opacity = 1;
    /** @type {string[]} Ids of pictures on the map: the whole one, and the one that is loaded. */
    this._shown = [];
    /** @type {Latest<Picture>} */
    this._latest = new Latest((picture, signal) => this._load(picture, signal));
  }

  /** Show the tiles of this template; empty for none. @param {string} tiles @param {string} attribution */
  show(tiles, attribution) {
    if (tiles === this._tiles) return;
    const alike = tiles.split('?')[0] === this._tiles.split('?')[0];
    this._tiles = tiles;
    if (tiles) {
      this._latest.ask({ tiles, attribution }, alike ? PATIENCE : 0);
    } else {
      this._latest.end();
      this._drop(this._shown.splice(0));
    }
  }

  /** @param {number} opacity */
  set opacity(opacity) {
    if (opacity === this._opacity) return;
    this._opacity = opacity;
    for (const id of this._shown) this._map.setPaintProperty(id, 'raster-opacity', opacity);
  }

  /** Lay a picture over what is shown; ends when it is whole and the others are gone, or when it was given up. @param {Picture} picture @param {AbortSignal} signal */
  async _load({ tiles, attribution }, signal) {
    const id = `raster-${this._count++}`;
    this._map.addSource(id, { type: 'raster', tiles: [tiles], tileSize: 256, bounds: this.bounds, maxzoom: 16, attribution });
    this._map.addLayer(
      { id, type: 'raster', source: id, paint: { 'raster-opacity': this._opacity, 'raster-fade-duration': 0, 'raster-resampling': 'nearest' } },
      this._map.getLayer(BEFORE) ? BEFORE : undefined,
    );
    this._askAgain(id);
    this._shown.push(id);
    await this._whole(id, signal);
    if (!this._shown.includes(id)) return;
    if (signal.aborted) {
      this._shown = this._shown.filter((other) => other !== id);
      this._drop([id]);
    } else {
      this._drop(this._shown.splice(0, this._shown.indexOf(id)));
    }
  }

  /** Ask again for tiles that a busy service put off, or they stay holes. @param {string} id */
  _askAgain(id) {
    let left = AGAIN;
    const source = /** @type {any} */ (this._map.getSource(id));
    source.on('error', (/** @type {any} */ { error, tile }) => {
      if (error?.status !== 503 || !tile || left <= 0) {
        console.error(error);
        return;
      }
      left -= 1;
      setTimeout(() => { if (this._map.getSource(id)) this._map.refreshTiles(id, [tile.tileID.canonical]); }, PAUSE);
    });
  }

  /** When all tiles of a picture are there, or it is given up. @param {string} id @param {AbortSignal} signal @returns {Promise<void>} */
  _whole(id, signal) {
    return new Promise((resolve) => {
      const end = () => {
        this._map.off('sourcedata', check);
        this._map.off('idle', check);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const check = () => { if (this._map.getSource(id) && this._map.isSourceLoaded(id)) end(); };
      this._map.on('sourcedata', check);
      this._map.on('idle', check);
      signal.addEventListener('abort', end);
    });
  }

  /** @param {string[]} ids */
  _drop(ids) {
    for (const id of ids) {
      this._map.removeLayer(id);
      this._map.removeSource(id);
    }
  }
}
