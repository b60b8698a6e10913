/** The other side of a swipe: a second map over the first, moved with it, clipped at a line that the reader moves. */

import { layerTitle } from '../catalogue.js';
import { fill, h } from '../element.js';
import { words } from '../language.js';
import { isDark, onTheme } from '../theme.js';
import { tilesOf } from './address.js';
import { overlaysOf, showBase } from './canvas.js';
import { ChangedCells } from './changedcells.js';
import { Graticule } from './graticule.js';
import { drawOutline } from './outline.js';
import { Mirror } from './mirror.js';
import { Raster } from './raster.js';
import { Vectors } from './vectors.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('../types.js').State} State */
/** @typedef {import('../types.js').Layer} Layer */
/** @typedef {{result: string, state: State, name: string}} Side */

const W = words({
  line: ['对比分界线', 'Dividing line of the comparison'],
  where: ['左侧 {left}，占 {share}；右侧 {right}', '{left} on the left, {share}; {right} on the right'],
  end: ['结束对比', 'End the comparison'],
  failed: ['此浏览器无法再显示第二幅地图。', 'This browser cannot show a second map.'],
  alike: ['此图层不随年份变化', 'the same in every year'],
});
const KEYS = /** @type {const} */ (['result', 'compare', 'year', 'layer', 'style', 'opacity', 'overlays', 'from', 'share', 'mode', 'least', 'size', 'unit']);
/** Layers that belong to a zoning, not to its run. */
export const OF_ZONINGS = /^(zoned|tier|membership)/;
/** Steps of the line by key, as parts of the width. @type {Record<string, number>} */
const STEPS = { ArrowLeft: -0.01, ArrowDown: -0.01, ArrowRight: 0.01, ArrowUp: 0.01, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 };

/** Show another side whenever the state names one. @param {App} app */
export function beginSwipe(app) {
  /** @type {Swipe | null} */
  let swipe = null;
  const follow = () => {
    const wanted = app.canvas.available && otherSide(app) !== null;
    if (swipe && !wanted) {
      swipe.end();
      swipe = null;
    } else if (wanted) {
      swipe ??= begun(app);
      swipe?.draw();
    }
  };
  void app.canvas.ready.then(() => {
    follow();
    app.store.on([...KEYS], follow);
    app.store.on(['swipe'], () => swipe?.place(app.store.state.swipe));
  });
}

/** A swipe; nothing where the browser has no second map to give. @param {App} app @returns {Swipe | null} */
function begun(app) {
  try {
    return new Swipe(app);
  } catch {
    app.frame.say(W('failed'), true);
    queueMicrotask(() => app.store.set({ compare: '' }));
    return null;
  }
}

/** What the right side shows; nothing where `compare` names nothing that belongs beside the left. @param {App} app @returns {Side | null} */
export function otherSide({ store, catalogue }) {
  const { state } = store;
  const here = catalogue.head(state.result);
  if (!here || !state.compare) return null;
  const year = Number(state.compare);
  if (yearsOf(catalogue, state.result).includes(year)) {
    return year === state.year ? null : { result: state.result, state: { ...state, year }, name: state.compare };
  }
  const head = catalogue.head(state.compare);
  if (head?.kind !== 'zoning' || here.kind !== 'zoning' || head.id === here.id || head.run !== here.run) return null;
  const layer = !state.layer || OF_ZONINGS.test(state.layer) ? state.layer : 'zoned';
  return { result: head.id, state: { ...state, result: head.id, year: head.years[0] ?? state.year, layer }, name: sideName(head, here) };
}

/** Years of the run behind a result. @param {import('../catalogue.js').Catalogue} catalogue @param {string} result */
export function yearsOf(catalogue, result) {
  return (catalogue.head(catalogue.runOf(result)) ?? catalogue.head(result))?.years ?? [];
}

/** What tells a zoning from the one beside it: its year, or its name. @param {import('../types.js').ResultHead} head @param {import('../types.js').ResultHead} beside */
function sideName(head, beside) {
  return head.years[0] === beside.years[0] ? head.label || head.name : String(head.years[0]);
}

class Swipe {
  /** @param {App} app */
  constructor(app) {
    this._app = app;
    this._at = app.store.state.swipe;
    this._turn = 0;
    this._drawn = '';
    this._pane = h('div', { class: 'swipe-map' });
    this._left = h('span', { class: 'swipe-label left' });
    this._right = h('span', { class: 'swipe-label right' });
    this._handle = h('div', { class: 'swipe-handle', role: 'slider', tabindex: '0', 'aria-label': W('line'), 'aria-valuemin': '0', 'aria-valuemax': '100', onkeydown: (/** @type {KeyboardEvent} */ e) => this._step(e) }, h('span', { 'aria-hidden': 'true' }, '⇔'));
    this._root = h('div', { class: 'swipe' }, this._pane, h('div', { class: 'swipe-line' }), this._left,
      h('span', { class: 'swipe-right' }, this._right, h('button', { type: 'button', class: 'icon', 'aria-label': W('end'), title: W('end'), onclick: () => app.store.set({ compare: '' }) }, '✕')), this._handle);
    this._map = app.canvas.twin(this._pane);
    app.canvas.root.append(this._root);
    this._drag();
    this._map.getCanvas().setAttribute('tabindex', '-1');
    this._pane.setAttribute('aria-hidden', 'true');
    this._vectors = new Vectors(this._map);
    this._graticule = new Graticule(this._map);
    this._cells = [new ChangedCells(/** @type {any} */ (app.canvas.map)), new ChangedCells(this._map)];
    /** @type {Raster | null} */
    this._raster = null;
    /** @type {Promise<void>} */
    this._loaded = new Promise((resolve) => { this._map.once('load', () => resolve()); });
    this._offOutline = () => {};
    void this._loaded.then(() => { if (this._turn >= 0) this._offOutline = drawOutline(this._map, app); });
    /** @type {Mirror | null} */
    this._mirror = null;
    this._follow = () => {
      const main = app.canvas.map;
      if (main) this._map.jumpTo({ center: main.getCenter(), zoom: main.getZoom() });
    };
    this._resize = () => { this._map.resize(); this._follow(); };
    app.canvas.map?.on('move', this._follow);
    app.canvas.map?.on('resize', this._resize);
    this._offTheme = onTheme(() => this.draw());
    this._follow();
    this.place(this._at);
  }

  /** Take all of it away. */
  end() {
    this._turn = -1;
    this._offTheme();
    this._offOutline();
    this._app.canvas.map?.off('move', this._follow);
    this._app.canvas.map?.off('resize', this._resize);
    for (const cells of this._cells) cells.show('', 0, isDark());
    this._graticule.show(false, isDark());
    this._mirror?.end();
    this._raster?.show('', '');
    this._map.remove();
    this._root.remove();
  }

  /** Put the line somewhere. @param {number} at 0 to 1. */
  place(at) {
    this._at = Math.min(1, Math.max(0, at));
    this._root.style.setProperty('--swipe', `${(this._at * 100).toFixed(2)}%`);
    this._tell();
  }

  /** Draw what the state says; the newest call wins. */
  draw() {
    const turn = ++this._turn;
    this._draw(turn).catch((error) => { if (turn === this._turn) this._app.frame.say(error.message, true); });
  }

  /** @param {number} turn */
  async _draw(turn) {
    const { app, side } = { app: this._app, side: otherSide(this._app) };
    if (!side) return;
    const [index, own] = await Promise.all([app.catalogue.tiles(side.result), app.catalogue.tiles(app.store.state.result), this._loaded]);
    const { wanted, colours } = await overlaysOf(app, index, side.state);
    const changes = await changesOf(app);
    if (turn !== this._turn) return;
    const layer = index.layers.find((l) => l.type === 'raster' && l.id === side.state.layer);
    this._map.setPaintProperty('ground', 'background-color', app.canvas.map?.getPaintProperty('ground', 'background-color'));
    showBase(this._map, app);
    if (this._drawn !== index.id) {
      this._raster?.show('', '');
      this._raster = new Raster(this._map, index.bounds);
      this._drawn = index.id;
    }
    if (this._raster) {
      this._raster.opacity = side.state.opacity;
      this._raster.show(layer ? tilesOf(app.service, index.id, layer, side.state) : '', index.attribution);
    }
    this._vectors.show(wanted, colours, index.bounds, isDark());
    this._vectors.choose(side.state.unit);
    this._graticule.show(side.state.overlays.includes('graticule'), isDark());
    if (app.canvas.map) this._mirror ??= new Mirror(app.canvas.map, this._map);
    for (const cells of this._cells) cells.show(changes.tiles, changes.maxzoom, isDark());
    this._name(own.layers.find((l) => l.type === 'raster' && l.id === app.store.state.layer), layer, side);
  }

  /** Labels of both sides. @param {Layer | undefined} own @param {Layer | undefined} other @param {Side} side */
  _name(own, other, side) {
    const { state } = this._app.store;
    const zonings = side.result !== state.result;
    const head = this._app.catalogue.head(state.result);
    const beside = this._app.catalogue.head(side.result);
    const left = zonings && head && beside ? sideName(head, beside) : String(state.year);
    const alike = !zonings && other && !other.parameters.some((p) => p.name === 'year' || p.name === 'to') ? ` · ${W('alike')}` : '';
    fill(this._left, h('strong', {}, left), own ? ` ${layerTitle(own)}` : '');
    fill(this._right, h('strong', {}, side.name), other ? ` ${layerTitle(other)}${alike}` : '');
    this._names = { left, right: side.name };
    this._tell();
  }

  _tell() {
    const share = `${Math.round(this._at * 100)} %`;
    this._handle.setAttribute('aria-valuenow', String(Math.round(this._at * 100)));
    this._handle.setAttribute('aria-valuetext', W('where', { left: this._names?.left ?? '', right: this._names?.right ?? '', share }));
  }

  /** @param {KeyboardEvent} e */
  _step(e) {
    const step = STEPS[e.key];
    if (step === undefined) return;
    e.preventDefault();
    this._app.store.set({ swipe: Number(Math.min(1, Math.max(0, this._at + step)).toFixed(3)) });
  }

  /** Fingers and pointers draw the handle. */
  _drag() {
    const handle = this._handle;
    let held = false;
    handle.addEventListener('pointerdown', (e) => { held = true; handle.setPointerCapture(e.pointerId); handle.focus(); e.preventDefault(); });
    handle.addEventListener('pointermove', (e) => {
      if (!held) return;
      const box = this._root.getBoundingClientRect();
      this.place((e.clientX - box.left) / box.width);
    });
    const let_go = () => { if (held) this._app.store.set({ swipe: Number(this._at.toFixed(3)) }); held = false; };
    handle.addEventListener('pointerup', let_go);
    handle.addEventListener('pointercancel', let_go);
  }
}

/** Tiles of the cells that changed between the two sides, if they are wanted and a comparison is published; else nothing. @param {App} app */
export async function changesOf(app) {
  const { state } = app.store;
  const found = state.overlays.includes('changes') ? app.catalogue.comparisonOf(state.result, state.compare) : undefined;
  const layer = found && (await app.catalogue.tiles(found.id)).layers.find((l) => l.type === 'vector' && l.id === 'changes');
  if (!found || !layer) return { tiles: '', maxzoom: 0 };
  const { maxzoom } = await app.service.get(`tiles/${found.id}/changes/WebMercatorQuad/tilejson.json`, { form: 'mvt' });
  return { tiles: tilesOf(app.service, found.id, layer, state), maxzoom };
}
