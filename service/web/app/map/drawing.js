/**
 * A polygon drawn by hand on the map: clicks, touches, or keys with a crosshair at the map's centre.
 * While it goes on it takes every click; corners can be dragged, chosen and removed, and, once it is closed, put between others.
 */

import { h } from '../element.js';
import { middlesOf, rectangleOf } from './polygon.js';
import { Sketch } from './sketch.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('./polygon.js').Position} Position */
/** @typedef {{x: number, y: number}} Point Of the screen. */
/** @typedef {'' | 'polygon' | 'rectangle' | 'edit'} Mode */

const DIGITS = 5;
/** Id of the words that say what to do next. */
export const BAR = 'area-bar';
const DOUBLE_CLICK_MS = 500;
const NEAR = matchMedia('(pointer: coarse)').matches ? 22 : 11;

export class Drawing {
  /**
   * @param {App} app
   * @param {{changed: () => void, closed: (corners: Position[]) => void}} told `closed`: a polygon is whole, or was changed after that.
   */
  constructor(app, told) {
    this._app = app;
    this._told = told;
    this._watched = () => {};
    /** @type {Mode} */
    this.mode = '';
    /** @type {Position[]} */
    this.corners = [];
    /** The corner that is chosen; -1 for none. */
    this.chosen = -1;
    /** The corner that goes with the pointer or, by keys, with the map's centre. */
    this._held = -1;
    this._heldByKeys = false;
    this._keyed = false;
    this._moved = false;
    /** @type {Sketch | undefined} */
    this._sketch = undefined;
    /** @type {Position | null} Where the pointer is. */
    this._pointer = null;
    /** @type {(() => void)[]} */
    this._ends = [];
    this._cross = h('div', { class: 'area-cross', 'aria-hidden': 'true', hidden: true });
  }

  /** Have the bar over the map follow. @param {() => void} changed */
  watch(changed) {
    this._watched = changed;
  }

  /** Whether the map can be drawn on. */
  get possible() {
    return Boolean(this._app.canvas?.map && this._app.canvas.vectors);
  }

  /** Begin anew, or with the corners of what is to be edited. @param {Mode} mode @param {{corners?: Position[], keyed?: boolean}} [options] */
  begin(mode, { corners = [], keyed = false } = {}) {
    this.end();
    const { map } = this._app.canvas;
    if (!map || !mode) return;
    Object.assign(this, { mode, corners: corners.map((c) => [...c]), _keyed: keyed });
    this._sketch = new Sketch(map, this._app.frame.over);
    this._listen(map);
    this._app.frame.over.append(this._cross);
    map.getCanvas().style.cursor = 'crosshair';
    map.getCanvas().focus({ preventScroll: true });
    this._changed();
  }

  /** Leave what is drawn. */
  end() {
    this._ends.splice(0).forEach((end) => end());
    this._sketch?.remove();
    this._cross.remove();
    const canvas = this._app.canvas?.map?.getCanvas();
    if (canvas && this.mode) canvas.style.cursor = '';
    Object.assign(this, { mode: '', corners: [], chosen: -1, _held: -1, _pointer: null, _sketch: undefined });
  }

  /** Give it up. */
  cancel() {
    this.end();
    this._tell();
  }

  /** Take the last corner back. */
  undo() {
    this.corners.pop();
    this.chosen = -1;
    this._changed();
  }

  /** Remove the corner that is chosen, or that lies under the crosshair. */
  remove() {
    const at = this.chosen >= 0 ? this.chosen : this._keyed ? this._hit(this._centre()) : -1;
    if (this.mode !== 'edit' && at < 0) return this.undo();
    if (at < 0 || (this.mode === 'edit' && this.corners.length <= 3)) return;
    this.corners.splice(at, 1);
    this.chosen = this._held = -1;
    this._settled();
  }

  /** Close the polygon, or leave editing. */
  close() {
    if (this.mode === 'edit') return this.cancel();
    if (this.corners.length < 3) return;
    const { corners } = this;
    this.end();
    this._told.closed(corners);
    this._tell();
  }

  // -- what happens on the map ------------------------------------------------------------------------------------------

  /** @param {import('../../vendor/maplibre-gl/maplibre-gl.mjs').Map} map */
  _listen(map) {
    /** @type {[string, (e: any) => void][]} */
    const handlers = [
      ['mousedown', (e) => this._press(e)], ['touchstart', (e) => this._press(e)], ['mousemove', (e) => this._move(e)], ['touchmove', (e) => this._move(e)],
      ['mouseup', () => this._release()], ['touchend', () => this._release()], ['touchcancel', () => this._release()],
      ['mouseout', () => { this._pointer = null; this._draw(); }], ['move', () => this._carried()], ['resize', () => this._draw()],
    ];
    for (const [name, act] of handlers) map.on(/** @type {any} */ (name), act);
    const keys = (/** @type {KeyboardEvent} */ e) => this._key(e);
    const canvas = map.getCanvas();
    const described = canvas.getAttribute('aria-describedby');
    canvas.setAttribute('aria-describedby', BAR);
    // Before those who take keys on the map when nothing is drawn.
    const over = new AbortController();
    canvas.addEventListener('keydown', keys, { capture: true, signal: over.signal });
    for (const name of ['focus', 'blur']) canvas.addEventListener(name, () => this._draw(), { signal: over.signal });
    map.doubleClickZoom.disable();
    this._ends.push(
      // The double click that closes a polygon is told after its second click.
      () => window.setTimeout(() => { if (!this.mode) map.doubleClickZoom.enable(); }, DOUBLE_CLICK_MS),
      () => handlers.forEach(([name, act]) => map.off(/** @type {any} */ (name), act)),
      () => over.abort(),
      () => { if (described) canvas.setAttribute('aria-describedby', described); else canvas.removeAttribute('aria-describedby'); },
      this._app.canvas.onClick((at, point) => { this._tap([at.lon, at.lat], point); return true; }),
    );
  }

  /** A click, a tap, or Space. @param {Position} at @param {Point} point */
  _tap(at, point) {
    if (this.mode === 'rectangle') return this._stretch(rounded(at));
    const hit = this._hit(point);
    const last = this.corners.length - 1;
    // The second click of a double click falls on the last corner: that closes, as the first corner does.
    if (this.mode === 'polygon' && (hit === 0 || hit === last) && hit >= 0) return last >= 2 ? this.close() : undefined;
    if (hit >= 0) this.chosen = hit === this.chosen ? -1 : hit;
    else if (this.mode === 'polygon') this.corners.push(rounded(at));
    else this.chosen = -1;
    this._changed();
  }

  /** The two corners of a rectangle that lie across. @param {Position} at */
  _stretch(at) {
    if (!this.corners.length) {
      this.corners.push(at);
      return this._changed();
    }
    const whole = rectangleOf(this.corners[0], at);
    if (!whole) return;
    this.corners = whole;
    this.close();
  }

  /** A corner is taken, or one is put between two. @param {any} e */
  _press(e) {
    if (e.type === 'touchstart' ? e.points.length !== 1 : e.originalEvent.button !== 0) return this._release();
    if (e.type === 'touchstart') this._keyed = false;
    const before = this.corners.length;
    const held = this._take(e.point);
    if (held < 0) return;
    e.preventDefault();
    Object.assign(this, { _held: held, _heldByKeys: false, _moved: this.corners.length > before });
  }

  /** The corner at a point, made there if the point lies in the middle of a side; -1 for none. @param {Point} point */
  _take(point) {
    const hit = this.mode === 'rectangle' ? -1 : this._hit(point);
    if (hit >= 0 || this.mode !== 'edit') return hit;
    const side = this._near(middlesOf(this.corners), point);
    if (side < 0) return -1;
    this.corners.splice(side + 1, 0, rounded(middlesOf(this.corners)[side]));
    return side + 1;
  }

  /** @param {any} e */
  _move(e) {
    if (e.type === 'mousemove') this._keyed = false;
    const { lng, lat } = e.lngLat.wrap();
    this._pointer = e.type === 'mousemove' ? [lng, lat] : null;
    if (this._held >= 0 && !this._heldByKeys) {
      this.corners[this._held] = rounded([lng, lat]);
      this._moved = true;
    }
    this._draw();
  }

  _release() {
    if (this._held < 0 || this._heldByKeys) return;
    this._held = -1;
    if (this._moved) this._settled();
  }

  /** The corner that goes with the map's centre. */
  _carried() {
    if (this._held >= 0 && this._heldByKeys) this.corners[this._held] = rounded(this._place(this._centre()));
    this._draw();
  }

  /** @param {KeyboardEvent} e */
  _key(e) {
    const act = { ' ': () => this._space(), Enter: () => this.close(), Escape: () => this.cancel(), Backspace: () => this.remove(), Delete: () => this.remove() }[e.key];
    this._keyed = !act || e.key === ' ' || this._keyed;
    if (!act) return this._draw();
    e.preventDefault();
    e.stopImmediatePropagation();
    act();
  }

  /** Space: a corner at the crosshair; in editing, the corner there is picked up and put down. */
  _space() {
    const point = this._centre();
    if (this.mode !== 'edit') return this._tap(this._place(point), point);
    if (this._held >= 0) {
      this._held = -1;
      return this._settled();
    }
    this._held = this._take(point);
    Object.assign(this, { _heldByKeys: true, chosen: this._held });
    this._changed();
  }

  // -- where things are -------------------------------------------------------------------------------------------------

  /** @returns {Point} */
  _centre() {
    const { map } = this._app.canvas;
    return map ? map.project(map.getCenter()) : { x: 0, y: 0 };
  }

  /** @param {Point} point @returns {Position} */
  _place({ x, y }) {
    const at = this._app.canvas.map?.unproject([x, y]).wrap();
    return [at?.lng ?? 0, at?.lat ?? 0];
  }

  /** The corner at a point of the screen. @param {Point} point */
  _hit(point) {
    return this._near(this.corners, point);
  }

  /** @param {Position[]} places @param {Point} point */
  _near(places, { x, y }) {
    const { map } = this._app.canvas;
    if (!map) return -1;
    const far = places.map((place) => { const p = map.project(place); return Math.hypot(p.x - x, p.y - y); });
    const least = Math.min(...far, Infinity);
    return least <= NEAR ? far.indexOf(least) : -1;
  }

  // -- what is seen and told --------------------------------------------------------------------------------------------

  /** A corner is where it belongs now. */
  _settled() {
    const { corners } = this;
    if (this.mode === 'edit') this._told.closed(corners.map((c) => [...c]));
    this._changed();
  }

  _changed() {
    this._draw();
    this._tell();
  }

  _tell() {
    this._watched();
    this._told.changed();
  }

  _draw() {
    const keyed = this._keyed && document.activeElement === this._app.canvas.map?.getCanvas();
    this._cross.hidden = !keyed;
    const next = keyed ? this._place(this._centre()) : this._pointer;
    const corners = this.mode === 'rectangle' && this.corners.length && next ? rectangleOf(this.corners[0], next) ?? this.corners : this.corners;
    const open = this.mode === 'polygon';
    this._sketch?.draw(corners, { open, next: open ? next : null, chosen: this.chosen, middles: this.mode === 'edit' ? middlesOf(this.corners) : [] });
  }
}

/** @param {Position} at @returns {Position} */
function rounded([lon, lat]) {
  return [Number(lon.toFixed(DIGITS)), Number(lat.toFixed(DIGITS))];
}
