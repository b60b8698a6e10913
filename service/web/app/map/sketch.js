/** What is being drawn by hand, over the map and over both sides of a swipe: sides, corners, the side that would come next. */

import { svg } from '../element.js';

/** @typedef {import('../../vendor/maplibre-gl/maplibre-gl.mjs').Map} MapLibre */
/** @typedef {import('./polygon.js').Position} Position */

export class Sketch {
  /** @param {MapLibre} map @param {HTMLElement} over */
  constructor(map, over) {
    this._map = map;
    this._root = svg('svg', { class: 'sketch', 'aria-hidden': 'true' });
    over.prepend(this._root);
  }

  /**
   * @param {Position[]} corners
   * @param {{open: boolean, next: Position | null, chosen: number, middles: Position[]}} options `open`: the last side is not there yet; `next`: where the next corner would be.
   */
  draw(corners, { open, next, chosen, middles }) {
    const at = corners.map((c) => this._map.project(c));
    const ahead = open && next && at.length ? [at[at.length - 1], this._map.project(next), ...(at.length > 1 ? [at[0]] : [])] : [];
    const line = (/** @type {string} */ name, /** @type {{x: number, y: number}[]} */ points, closed = false) =>
      (points.length > 1 ? svg(closed ? 'polygon' : 'polyline', { class: name, points: points.map((p) => `${p.x.toFixed(1)},${p.y.toFixed(1)}`).join(' ') }) : null);
    const dot = (/** @type {string} */ name, /** @type {number} */ r) => (/** @type {{x: number, y: number}} */ p) => svg('circle', { class: name, cx: p.x, cy: p.y, r });
    this._root.replaceChildren(...[
      line('fill', at.length > 2 ? at : [], true),
      line('halo', at, !open), line('halo', ahead), line('side', at, !open), line('next', ahead),
      ...middles.map((m) => dot('middle', 4)(this._map.project(m))),
      ...at.map((p, k) => (k === chosen ? dot('corner chosen', 7)(p) : dot('corner', open && k === 0 ? 7 : 5.5)(p))),
    ].filter((e) => e !== null));
  }

  /** Take it away. */
  remove() {
    this._root.remove();
  }
}
