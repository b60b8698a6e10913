/** Panel: the map divided in two, this side and another year or zoning, and below it what changed between them. */

import { chips } from '../chips.js';
import { fill, h } from '../element.js';
import { keepFocus } from '../focus.js';
import { words } from '../language.js';
import { OF_ZONINGS, otherSide, yearsOf } from '../map/swipe.js';
import { mountChanges } from '../table/changes.js';
import { mountTotals } from '../table/totals.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('../types.js').ResultHead} ResultHead */

const W = words({
  about: ['地图将分为左右两侧：左侧为当前显示的内容，右侧在此选择。', 'The map is divided: on the left what is shown now, on the right what you choose here.'],
  years: ['与另一年份对比', 'Against another year'],
  zonings: ['与另一区划对比', 'Against another zoning'],
  alone: ['没有可对比的年份或区划。', 'There is no other year and no other zoning to compare with.'],
  swap: ['左右互换', 'Swap the sides'],
  end: ['结束对比', 'End the comparison'],
  yearless: ['当前图层不随年份变化，两侧相同。可改用：', 'This layer is the same in every year. Choose one that is not:'],
  class: ['重叠类别', 'overlap classes'],
  density: ['排放强度', 'emissions per area'],
  rank: ['强度排名', 'rank'],
  hot: ['单项热点', 'hot cells'],
  unpublished: ['这两个区划的对比尚未发布。地图仍可左右对比；单元的新增、退出与变化请用以下命令生成：', 'No comparison of these two zonings is published. The map can be swiped all the same; for the units that entered, left and changed:'],
  reload: ['完成后重新载入本页。', 'Load the page again afterwards.'],
});

/** @type {import('../types.js').Mount} */
export function mountCompare(root, app) {
  const { store } = app;
  const choice = h('div', { class: 'compare-choice' });
  const body = h('div', { class: 'compare-body' });
  fill(root, h('p', { class: 'hint' }, W('about')), choice, body);
  let end = () => {};
  const choose = () => {
    keepFocus(choice, () => fill(choice, chooser(app)), { otherwise: () => choice.querySelector('button') });
  };
  const show = () => {
    end();
    fill(body);
    end = mountBody(body, app);
  };
  const offs = [store.on(['compare', 'year', 'layer'], choose), store.on(['compare', 'year'], show)];
  choose();
  show();
  return () => { end(); for (const off of offs) off(); };
}

/** What the other side can be. @param {App} app */
function chooser(app) {
  const { store, catalogue } = app;
  const { state } = store;
  const years = yearsOf(catalogue, state.result).filter((y) => y !== state.year).map(String);
  const zonings = catalogue.head(state.result)?.kind === 'zoning' ? catalogue.zoningsOf(state.result).filter((z) => z.id !== state.result) : [];
  if (!years.length && !zonings.length) return [h('p', {}, W('alone'))];
  const other = otherSide(app);
  return [
    years.length ? group(W('years'), chips('year', state.compare, years, String, (y) => { void chooseYear(app, y === state.compare ? '' : y); })) : null,
    zonings.length ? group(W('zonings'), chips('zoning', state.compare, zonings.map((z) => z.id), (id) => nameOf(app, id), (id) => chooseZoning(app, id === state.compare ? '' : id))) : null,
    other ? h('div', { class: 'row' }, h('button', { type: 'button', 'data-name': 'swap', onclick: () => swap(app) }, `⇄ ${W('swap')}`), h('button', { type: 'button', 'data-name': 'end', onclick: () => store.set({ compare: '' }) }, W('end'))) : null,
    other && other.result === state.result && !/^(class|density|rank|hot|change)/.test(state.layer) ? yearless(app) : null,
  ];
}

/** Layers that have years, where the one that is shown has none. @param {App} app */
function yearless({ store }) {
  const { rank } = store.state;
  const choices = /** @type {const} */ ({ class: 'class', density: `density-${rank}`, rank: `rank-${rank}`, hot: `hot-${rank}` });
  return h('div', { class: 'field' }, h('p', { class: 'hint' }, W('yearless')),
    chips('layer', store.state.layer, Object.keys(choices), (k) => W(/** @type {keyof typeof choices} */ (k)), (k) => store.set({ layer: choices[/** @type {keyof typeof choices} */ (k)], style: '' })));
}

/** @param {App} app @param {string} year */
async function chooseYear(app, year) {
  const { store, catalogue } = app;
  const { layers } = await catalogue.tiles(store.state.result);
  const yearly = (/** @type {import('../types.js').Layer | undefined} */ l) => l?.type === 'raster' && l.parameters.some((p) => p.name === 'year' || p.name === 'to');
  const now = layers.find((l) => l.type === 'raster' && l.id === store.state.layer);
  const layer = !year || yearly(now) ? now : layers.find((l) => l.kind === 'class' && yearly(l)) ?? layers.find((l) => l.kind === 'density' && yearly(l));
  store.set({ compare: year, ...(layer && layer !== now ? { layer: layer.id, style: '' } : {}) });
}

/** @param {App} app @param {string} id */
function chooseZoning({ store }, id) {
  const layer = OF_ZONINGS.test(store.state.layer) ? {} : { layer: 'zoned', style: '' };
  store.set({ compare: id, ...(id ? layer : {}) });
}

/** What was on the right comes to the left. @param {App} app */
function swap(app) {
  const { store, catalogue } = app;
  const { state } = store;
  const other = otherSide(app);
  if (!other) return;
  if (other.result === state.result) store.set({ year: other.state.year, compare: String(state.year) });
  else store.set({ result: other.result, compare: state.result, year: catalogue.head(other.result)?.years[0] ?? state.year, unit: '', cell: null });
  /** @type {HTMLElement | null} */ (document.querySelector('[data-name="swap"]'))?.focus();
}

/** Tables of what changed. @param {HTMLElement} root @param {App} app @returns {() => void} */
function mountBody(root, app) {
  const { state } = app.store;
  const other = otherSide(app);
  if (!other) return () => {};
  if (other.result === state.result) return mountTotals(root, app, state.year, other.state.year);
  const found = app.catalogue.comparisonOf(state.result, other.result);
  if (found) return mountChanges(root, app, found);
  const [a, b] = [app.catalogue.head(state.result), app.catalogue.head(other.result)].sort((p, q) => (p?.years[0] ?? 0) - (q?.years[0] ?? 0));
  fill(root, h('p', {}, W('unpublished')), h('pre', { class: 'command', tabindex: '0' }, `cozone compare ${a?.id} ${b?.id}`), h('p', { class: 'hint' }, W('reload')));
  return () => {};
}

/** @param {App} app @param {string} id */
function nameOf(app, id) {
  const head = app.catalogue.head(id);
  return head?.label || head?.name || id;
}

/** @param {string} title @param {HTMLElement} control */
function group(title, control) {
  return h('div', { class: 'field', role: 'group', 'aria-label': title }, h('span', { 'aria-hidden': 'true' }, title), control);
}
