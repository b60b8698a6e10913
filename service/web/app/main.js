/** The page begins: what is published is asked for, the state is read from the address, the frame and the map are put together. */

import { read, write } from './address.js';
import { Catalogue } from './catalogue.js';
import { fill, h } from './element.js';
import { Frame } from './frame.js';
import { language, speak, words } from './language.js';
import { Canvas } from './map/canvas.js';
import { mountLegend } from './map/legend.js';
import { beginOutline } from './map/outline.js';
import { mountPosition } from './map/position.js';
import { beginSwipe } from './map/swipe.js';
import { beginPages } from './pages/pages.js';
import { PANELS } from './panels/panels.js';
import { Service } from './service.js';
import { DEFAULTS, Store } from './state.js';
import { beginTheme } from './theme.js';

/** @typedef {import('./types.js').App} App */
/** @typedef {import('./types.js').State} State */

const W = words({
  empty: ['工作区中尚无成果。请先运行：', 'Nothing is published yet. Begin with:'],
  absent: ['链接中的成果 {asked} 未在此发布，现显示 {shown}。', 'The result {asked} of the link is not published here; this is {shown}.'],
  wrongKey: ['密钥无效或已撤销，未予使用。', 'The key is not known, or was withdrawn; it is not used.'],
  failed: ['页面无法启动：{reason}', 'The page could not begin: {reason}'],
});

/** Milliseconds without a change after which the address is written. */
const PAUSE = 200;

async function begin() {
  speak(language());
  beginTheme();
  const root = h('div', { class: 'frame' });
  document.body.append(root);
  const service = new Service();
  const { settings, refused } = await settingsOf(service);
  document.title = settings.title;
  const catalogue = new Catalogue(service, settings.results);
  const given = read(location.hash);
  const store = new Store(await completed(given, catalogue));
  if (!store.state.result) {
    fill(root, h('main', { class: 'empty' }, h('h1', {}, settings.title), h('p', {}, W('empty')), h('pre', {}, 'cozone grid inventory.toml --grid grid.toml\ncozone zone latest')));
    return;
  }
  /** @type {App} */
  const app = /** @type {any} */ ({ store, service, catalogue, settings });
  app.frame = new Frame(root, app, PANELS);
  app.frame.begin();
  sayAbsent(given, store.state, app.frame);
  if (refused) app.frame.say(W('wrongKey'), true);
  app.canvas = new Canvas(app.frame.stage, app);
  keepAddress(app);
  mountLegend(app.frame.over, app);
  mountPosition(app.frame.over, app);
  beginOutline(app);
  beginPages(app);
  beginSwipe(app);
  await app.canvas.ready;
  document.documentElement.dataset.ready = 'true';
}

/** What the map has to know to begin; a key that is refused is forgotten. @param {Service} service @returns {Promise<{settings: import('./types.js').MapSettings, refused: boolean}>} */
async function settingsOf(service) {
  try {
    return { settings: await service.get('api/map'), refused: false };
  } catch (error) {
    if (/** @type {any} */ (error).status !== 401 || !service.key) throw error;
    service.carry('');
    return { settings: await service.get('api/map'), refused: true };
  }
}

/**
 * The state with what an address leaves open: the newest zoning, its year and parameters.
 * @param {Partial<State>} given @param {Catalogue} catalogue
 * @returns {Promise<Partial<State>>}
 */
async function completed(given, catalogue) {
  const head = catalogue.shown.find((r) => r.id === given.result) ?? catalogue.shown.find((r) => r.kind === 'zoning') ?? catalogue.shown[0];
  if (!head) return { ...given, result: '' };
  // Codes and places of another result would be taken for those of this one.
  if (given.result && given.result !== head.id) given = { ...given, unit: '', cell: null, compare: '' };
  const layers = (await catalogue.tiles(head.id)).layers.filter((l) => l.type === 'raster');
  const layer = layers.find((l) => l.id === given.layer) ?? layers.find((l) => l.kind === 'zoned' || l.kind === 'class') ?? layers[0];
  const threshold = layers.find((l) => l.kind === 'class');
  const shares = Object.fromEntries((threshold?.parameters ?? []).map((p) => [p.name, p.schema.default]));
  const years = (await catalogue.result(catalogue.runOf(head.id)).catch(() => head)).years;
  const year = given.year !== undefined && years.includes(given.year) ? given.year : head.years[head.years.length - 1] ?? 0;
  return {
    share: /** @type {number} */ (shares.share ?? DEFAULTS.share), mode: String(shares.mode ?? DEFAULTS.mode),
    least: /** @type {number} */ (shares.min_pollutants ?? DEFAULTS.least), size: /** @type {number} */ (shares.min_cells ?? DEFAULTS.size),
    from: years[0] ?? 0, ...given, rank: given.rank && head.species.includes(given.rank) ? given.rank : head.species[0] ?? '',
    result: head.id, year, layer: given.layer === '' ? '' : layer?.id ?? '',
  };
}

/**
 * What changes with the result: its layer, and its own year and threshold where the reader had not moved those of the one before.
 * @param {State} state @param {State} before @param {Catalogue} catalogue
 * @returns {Promise<Partial<State>>}
 */
async function adopted(state, before, catalogue) {
  const old = await completed({ result: before.result }, catalogue);
  // A run has no year of its own: it goes on with the one that is shown.
  const given = state.year !== old.year || catalogue.head(state.result)?.kind === 'run' ? { year: state.year } : {};
  const { year, layer, rank, from, share, mode, least, size } = await completed({ result: state.result, layer: state.layer, rank: state.rank, ...given }, catalogue);
  const moved = state.share !== old.share || state.mode !== old.mode || state.least !== old.least || state.size !== old.size;
  return { year, layer, rank, from, ...(moved ? {} : { share, mode, least, size }) };
}

/** Say that a link's result is not here, so that nobody takes another one for it. @param {Partial<State>} given @param {State} state @param {Frame} frame */
function sayAbsent(given, state, frame) {
  if (given.result && given.result !== state.result) frame.say(W('absent', { asked: given.result, shown: state.result }), true);
}

/** The address follows the state, and the state follows an address that the reader enters. @param {App} app */
function keepAddress({ store, catalogue, frame }) {
  const keys = /** @type {(keyof State)[]} */ (Object.keys(DEFAULTS));
  // Browsers refuse a page that writes its address with every step of a slider.
  let later = 0;
  store.on(keys, () => {
    window.clearTimeout(later);
    later = window.setTimeout(() => history.replaceState(null, '', write(store.state)), PAUSE);
  });
  const failed = (/** @type {any} */ error) => frame.say(String(error.message), true);
  let entered = 0;
  store.on(['result'], (state, before) => {
    const turn = entered;
    adopted(state, before, catalogue).then((change) => { if (turn === entered && store.state.result === state.result) store.set(change); }).catch(failed);
  });
  window.addEventListener('hashchange', () => {
    const turn = ++entered;
    const given = read(location.hash);
    completed(given, catalogue).then((state) => {
      if (turn !== entered) return;
      store.set({ ...DEFAULTS, ...state });
      sayAbsent(given, store.state, frame);
    }).catch(failed);
  });
}

begin().catch((error) => {
  console.error(error);
  document.body.append(h('p', { class: 'failed', role: 'alert' }, W('failed', { reason: String(error.message ?? error) })));
});
