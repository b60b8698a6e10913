/** Pages beside the map: of the unit or the cell that the state names. A click on the map names one. */

import { fill, h } from '../element.js';
import { keepFocus } from '../focus.js';
import { words } from '../language.js';
import { Refusal } from '../service.js';
import { cellPage } from './cell.js';
import { beginCross, beginMarker } from './marker.js';
import { placeOf, pointAt } from './point.js';
import { beginSheet } from './sheet.js';
import { unitPage } from './unit.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('../types.js').State} State */
/** @typedef {'unit' | 'cell'} Tab */

const W = words({
  unit: ['单元', 'Unit'],
  cell: ['网格', 'Cell'],
  about: ['页面内容', 'What the page is about'],
  asking: ['正在查询此处…', 'Asking about this place…'],
  outside: ['此处在网格范围之外。', 'This place lies outside of the grid.'],
  noUnit: ['此成果中没有单元 {unit}。', 'This result has no unit {unit}.'],
  loading: ['载入中…', 'Loading…'],
});
/** Milliseconds after which a reader is told that the answer is being waited for. */
const PATIENCE = 800;
const TABS = /** @type {Tab[]} */ (['unit', 'cell']);

/** @param {App} app */
export function beginPages(app) {
  const { store, frame } = app;
  let open = false;
  const follow = () => {
    const { unit, cell } = store.state;
    if (!unit && !cell) {
      open = false;
      frame.closePage();
    } else if (!open) {
      open = true;
      frame.openPage(W(unit ? 'unit' : 'cell'), mountPage, () => store.set({ unit: '', cell: null }));
    }
  };
  store.on(['unit', 'cell'], () => { void known(app).then((yes) => { if (yes) follow(); }); });
  void known(app).then((yes) => { if (yes) follow(); });
  const asked = clicks(app);
  app.canvas.onClick((at, point) => { void asked(at, point); return true; });
  void beginCross(app, (at, point) => { void asked(at, point).then(() => { /** @type {HTMLElement | null} */ (document.querySelector('.frame > .page'))?.focus({ preventScroll: true }); }); });
  beginMarker(app);
}

/** Whether the place of the state lies on the grid; one that does not is said and forgotten. @param {App} app */
async function known(app) {
  const { store, frame } = app;
  const { cell } = store.state;
  if (!cell) return true;
  try {
    await pointAt(app, cell);
  } catch (error) {
    if (/** @type {any} */ (error).status !== 404 || store.state.cell !== cell) return true;
    frame.say(W('outside'), true);
    store.set({ cell: null });
    return false;
  }
  return true;
}

/** What a click asks: the cell there, and the unit if units are shown. @param {App} app @returns {(at: {lon: number, lat: number}, point: {x: number, y: number}) => Promise<void>} */
function clicks(app) {
  const { store, frame, canvas, catalogue } = app;
  let latest = 0;
  return async (at, point) => {
    const ticket = ++latest;
    const { result, overlays } = store.state;
    const cell = placeOf(at);
    const seen = canvas.vectors?.at(point).find((f) => f.layer === 'units' && f.properties.unit);
    canvas.root.classList.add('pg-asking');
    const slow = setTimeout(() => frame.say(W('asking')), PATIENCE);
    try {
      if (!within(cell, (await catalogue.tiles(result)).bounds)) throw new Refusal(404, W('outside'));
      const found = await pointAt(app, cell);
      if (ticket !== latest || store.state.result !== result) return;
      store.set({ cell, unit: overlays.includes('units') ? seen?.properties.unit ?? found.units[0] ?? '' : '' });
      reveal(app, cell);
    } catch (error) {
      if (ticket === latest) frame.say(/** @type {any} */ (error).status === 404 ? W('outside') : String(/** @type {any} */ (error).message), true);
    } finally {
      clearTimeout(slow);
      if (ticket === latest) canvas.root.classList.remove('pg-asking');
    }
  };
}

/** @param {import('../types.js').Place} place @param {[number, number, number, number]} bounds */
function within({ lon, lat }, [west, south, east, north]) {
  return lon >= west && lon <= east && lat >= south && lat <= north;
}

/** Move the map where the page that has opened would hide the place. @param {App} app @param {import('../types.js').Place} place */
function reveal({ canvas }, place) {
  const { map } = canvas;
  if (!map) return;
  setTimeout(() => {
    const { x, y } = map.project([place.lon, place.lat]);
    const { clientWidth, clientHeight } = map.getContainer();
    const bottom = clientHeight - (map.getPadding().bottom ?? 0);
    if (x < 10 || y < 10 || x > clientWidth - 10 || y > bottom - 10) map.easeTo({ center: [place.lon, place.lat], animate: !matchMedia('(prefers-reduced-motion: reduce)').matches });
  }, 120);
}

/** The page: two tabs where the state names both. @type {import('../types.js').Mount} */
function mountPage(root, app) {
  const { store, frame } = app;
  const tabs = h('div', { class: 'pg-tabs', role: 'tablist', 'aria-label': W('about') });
  const body = h('div', { class: 'pg-body', id: 'pg-body' }, h('p', { class: 'hint' }, W('loading')));
  let latest = 0;
  /** @type {Tab} */
  let chosen = 'unit';
  const shown = () => /** @type {Tab} */ (store.state.unit && (chosen === 'unit' || !store.state.cell) ? 'unit' : 'cell');
  const render = async () => {
    const ticket = ++latest;
    const { unit, cell } = store.state;
    if (!unit && !cell) return;
    const tab = shown();
    drawTabs(tabs, tab, Boolean(unit && cell), (t) => { chosen = t; void render(); });
    markBody(body, tab, Boolean(unit && cell));
    body.setAttribute('aria-busy', 'true');
    try {
      const { title, content } = await (tab === 'unit' ? unitPage(app, unit) : cellPage(app, /** @type {any} */ (cell)));
      if (ticket === latest) draw(title, content);
    } catch (error) {
      if (ticket === latest) failed(/** @type {any} */ (error), tab);
    }
  };
  const draw = (/** @type {string} */ title, /** @type {(Node | null)[]} */ content) => {
    frame.titlePage(title);
    const page = () => /** @type {HTMLElement | null} */ (root.closest('.page'));
    keepFocus(body, () => {
      fill(body, content);
      body.removeAttribute('aria-busy');
      page()?.scrollTo({ top: 0 });
    }, { otherwise: page, preventScroll: true });
  };
  const failed = (/** @type {any} */ error, /** @type {Tab} */ tab) => {
    body.removeAttribute('aria-busy');
    if (error.status === 404) {
      frame.say(tab === 'unit' ? W('noUnit', { unit: store.state.unit }) : W('outside'), true);
      store.set(tab === 'unit' ? { unit: '' } : { cell: null });
    } else fill(body, h('p', { class: 'wrong', role: 'alert' }, String(error.message ?? error)));
  };
  root.append(tabs, body);
  const endSheet = beginSheet(root, app);
  const off = store.on(['result', 'unit', 'cell', 'year'], (state, before) => {
    // A unit that is chosen without a place, in a list, is looked at first.
    if (state.unit && state.unit !== before.unit && state.cell === before.cell) chosen = 'unit';
    void render();
  });
  void render();
  return () => { latest = -1; off(); endSheet(); };
}

/** @param {HTMLElement} body @param {Tab} tab @param {boolean} both */
function markBody(body, tab, both) {
  for (const [name, value] of Object.entries({ role: 'tabpanel', 'aria-labelledby': `pg-tab-${tab}` })) {
    if (both) body.setAttribute(name, value);
    else body.removeAttribute(name);
  }
}

/** @param {HTMLElement} root @param {Tab} shown @param {boolean} both @param {(tab: Tab) => void} choose */
function drawTabs(root, shown, both, choose) {
  const inside = root.contains(document.activeElement);
  root.hidden = !both;
  fill(root, both ? TABS.map((t) => h('button', {
    type: 'button', role: 'tab', id: `pg-tab-${t}`, 'aria-selected': String(t === shown), 'aria-controls': 'pg-body', tabindex: t === shown ? '0' : '-1', onclick: () => choose(t),
  }, W(t))) : []);
  root.onkeydown = (e) => {
    if (!['ArrowLeft', 'ArrowRight', 'Home', 'End'].includes(e.key)) return;
    e.preventDefault();
    choose(e.key === 'Home' ? 'unit' : e.key === 'End' ? 'cell' : shown === 'unit' ? 'cell' : 'unit');
  };
  if (inside) /** @type {HTMLElement | null} */ (root.querySelector(`#pg-tab-${shown}`))?.focus();
}
