/** Panel: what is hot. The share, what it is a share of, the rule of overlap and the smallest patch; and what follows from them. */

import { classTable, cutTable, massTable } from '../charts/classes.js';
import { chips } from '../chips.js';
import { fill, h } from '../element.js';
import { keepFocus } from '../focus.js';
import { language, named, words } from '../language.js';
import { Latest } from '../latest.js';
import { parametersOf } from '../map/address.js';
import { amount, count, percent } from '../numbers.js';
import { perCent, shareControl } from './slider.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('../types.js').Layer} Layer */
/** @typedef {import('../types.js').State} State */
/** @typedef {import('../types.js').Result} Result */
/** @typedef {{result: Result, layers: Layer[], classes: Layer | undefined, colours: import('../charts/classes.js').Classes}} Facts */

const W = words({
  mode: ['份额的口径', 'Share of what'],
  area: ['面积', 'area'],
  count: ['网格数', 'cells'],
  mass: ['排放量', 'mass'],
  areaMeans: ['排放密度最高、合计占全域面积 {q} 的网格为热点。', 'Hot: the densest cells that make up {q} of the area.'],
  countMeans: ['排放量最大、合计占网格总数 {q} 的网格为热点。', 'Hot: the cells with the largest amounts, {q} of all cells.'],
  massMeans: ['排放密度最高、合计占该排放物排放量 {q} 的网格为热点。', 'Hot: the densest cells that together hold {q} of a species’ mass.'],
  rule: ['重叠规则', 'Rule of overlap'],
  ruleOf: ['至少 {k} 种（共 {n} 种污染物）', 'at least {k} of {n} pollutants'],
  ruleAll: ['全部 {n} 种污染物', 'all {n} pollutants'],
  ruleOne: ['该污染物', 'the one pollutant'],
  apeq: ['本区划按污染物当量（加权合计）判定，不计热点种数。', 'This zoning decides by an equivalent of pollutants, not by how many are hot.'],
  size: ['最小斑块', 'Smallest patch'],
  sizeUnit: ['格', 'cells'],
  sizeField: ['最小斑块，网格数', 'Smallest patch, in cells'],
  sizeRange: ['请输入 1 至 {most} 的整数', 'A whole number from 1 to {most} is expected'],
  sizeArea: ['≈ {km2} km²；边或角相连的同类网格为一个斑块。', '≈ {km2} km²; cells of a class that share an edge or a corner are a patch.'],
  other: ['地图上的图层不随阈值变化。', 'The layer on the map does not follow the threshold.'],
  show: ['显示重叠类别', 'Show overlap classes'],
  reset: ['恢复发布参数', 'Back to the published ones'],
  resetRun: ['恢复默认参数', 'Back to the defaults'],
  whatIf: ['试算视图：只改变显示，不影响已发布的成果。', 'A what-if view: nothing that is published changes.'],
  published: ['区划“{name}”（{year} 年）的发布参数：按{mode}取 {q}，{rule}，单元不少于 {cells} 格或占全域排放的 {share}。', 'The zoning “{name}” ({year}) was published with {q} by {mode}, {rule} hot, and units of at least {cells} cells, or {share} of the domain’s emissions.'],
  unpublished: ['此成果未作区划；默认参数：按{mode}取 {q}，{rule}。', 'This result has no zoning; the defaults are {q} by {mode}, {rule} hot.'],
  same: ['当前即为该参数（单元经生长与校核，故与此处格网类别不尽相同）。', 'These are set now (units are grown and checked, so they differ from the bare classes here).'],
  results: ['{year} 年的结果', 'What follows, {year}'],
  held: ['各排放物在各类别中的占比', 'Share of each species’ mass'],
  heldHint: ['“代用”：其中按代用指标分配到网格的比例。', '“Proxy”: how much of it was placed by proxies.'],
  cuts: ['各排放物的阈值', 'Where each species is cut'],
  key: ['查看此内容需要密钥，请在页首输入。', 'A key is needed for this; enter it in the head of the page.'],
  said: ['q {q}：{classes}', 'q {q}: {classes}'],
  saidClass: ['{name} {cells} 格，占全域 {share}', '{name} {cells} cells, {share} of the domain'],
});
/** Milliseconds of rest before the result is read aloud. */
const REST = 800;

/** @typedef {{controls: HTMLElement, other: HTMLElement, results: HTMLElement, about: HTMLElement, said: HTMLElement}} Parts */

/** @type {import('../types.js').Mount} */
export function mountThreshold(root, app) {
  const parts = {
    controls: h('div', {}), other: h('div', {}), results: h('div', { class: 'threshold-results', 'aria-busy': 'true' }),
    about: h('div', { class: 'threshold-about' }), said: h('p', { class: 'visually-hidden', 'aria-live': 'polite' }),
  };
  fill(root, h('p', { class: 'hint threshold-if' }, W('whatIf')), parts.controls, parts.other, parts.results, parts.about, parts.said);
  let ended = false;
  let end = () => {};
  factsOf(app).then((facts) => { if (!ended) end = follow(app, parts, facts); }, (error) => app.frame.say(error.message, true));
  return () => { ended = true; end(); };
}

/** Keep the panel as the state says; gives back what ends it. @param {App} app @param {Parts} parts @param {Facts} facts */
function follow(app, parts, facts) {
  const { store } = app;
  const controls = new Controls(app, facts);
  fill(parts.controls, controls.root);
  const rest = later((/** @type {any} */ answer) => { parts.said.textContent = spoken(answer, facts); }, REST);
  const latest = new Latest(async (/** @type {State} */ state, signal) => {
    const layer = facts.classes ?? facts.layers.find((l) => has(l, 'share'));
    const answer = await app.service.get(`api/results/${facts.result.id}/threshold`, layer ? parametersOf(layer, state) : {}, signal);
    fill(parts.results, results(answer, facts));
    parts.results.setAttribute('aria-busy', 'false');
    controls.learn(answer);
    rest.call(answer);
  }, (error) => fill(parts.results, h('p', { class: 'wrong', role: 'alert' }, error.status === 401 ? W('key') : error.message)));
  const show = () => {
    controls.show();
    fill(parts.other, other(app, facts));
    fill(parts.about, about(app, facts));
  };
  show();
  latest.ask(store.state);
  const offs = [store.on(['share', 'mode', 'least', 'size', 'year', 'layer'], show), store.on(['share', 'mode', 'least', 'size', 'year'], (state) => latest.ask(state))];
  return () => { latest.end(); rest.end(); controls.end(); offs.forEach((off) => off()); };
}

/** What does not change while the panel is open. @param {App} app @returns {Promise<Facts>} */
async function factsOf(app) {
  const { state } = app.store;
  const [result, index] = await Promise.all([app.catalogue.result(state.result), app.catalogue.tiles(state.result)]);
  const layers = index.layers.filter((l) => l.type === 'raster');
  const classes = layers.find((l) => l.kind === 'class');
  const style = classes?.styles?.includes(state.style) ? { style: state.style } : {};
  const legend = classes ? await app.service.get(`tiles/${index.id}/${classes.id}/legend.json`, style) : { entries: [] };
  const colours = Object.fromEntries(legend.entries.map((/** @type {any} */ e) => [e.code, { name: named(e, 'label'), colour: e.colour }]));
  return { result, layers, classes, colours };
}

/** The controls: made once, so that the focus stays; `show` follows the state. */
class Controls {
  /** @param {App} app @param {Facts} facts */
  constructor(app, facts) {
    this._app = app;
    this._facts = facts;
    this._cellKm2 = NaN;
    this._share = shareControl(app, (share) => this._set('share', { share }));
    this._mode = h('div', {});
    this._means = h('p', { class: 'hint' });
    this._rule = ruleChoice(facts, (least) => this._set('min_pollutants', { least }));
    this._size = h('input', { type: 'number', min: 1, step: 1, max: mostCells(facts), inputmode: 'numeric', 'data-name': 'size', 'aria-label': W('sizeField'), onchange: () => this._typed() });
    this._area = h('p', { class: 'hint' });
    this.root = h('div', {}, this._share.root,
      h('div', { class: 'field', role: 'group', 'aria-label': W('mode') }, h('span', { 'aria-hidden': 'true' }, W('mode')), this._mode, this._means),
      facts.classes ? [
        this._rule ? h('label', { class: 'field' }, h('span', {}, W('rule')), this._rule) : h('p', { class: 'hint' }, W('apeq')),
        h('div', { class: 'field' }, h('span', { 'aria-hidden': 'true' }, W('size')), h('span', { class: 'threshold-size' }, this._size, W('sizeUnit')), this._area)] : null);
  }

  /** Show what the state says. */
  show() {
    const { state } = this._app.store;
    keepFocus(this._mode, () => fill(this._mode, chips('mode', state.mode, ['area', 'count', 'mass'], (m) => W(/** @type {any} */ (m)), (mode) => this._set('mode', { mode }))));
    fill(this._means, W(/** @type {any} */ (`${state.mode}Means`), { q: perCent(state.share) }));
    if (this._rule) this._rule.value = String(state.least);
    this._size.value = String(state.size);
    this._size.setCustomValidity('');
    fill(this._area, Number.isFinite(this._cellKm2) ? W('sizeArea', { km2: amount(Number((state.size * this._cellKm2).toPrecision(4))) }) : ' ');
  }

  /** How large cells are, from an answer. @param {any} answer */
  learn(answer) {
    const cuts = /** @type {any[]} */ (Object.values(answer.cuts)).filter((cut) => cut.cells > 0);
    const known = Number.isFinite(this._cellKm2);
    if (cuts.length) this._cellKm2 = sum(cuts.map((cut) => cut.area_km2)) / sum(cuts.map((cut) => cut.cells));
    if (!known) this.show();
  }

  end() {
    this._share.end();
  }

  _typed() {
    const size = Number(this._size.value);
    const most = mostCells(this._facts);
    const fits = Number.isInteger(size) && size >= 1 && size <= most;
    this._size.setCustomValidity(fits ? '' : W('sizeRange', { most }));
    if (fits) this._set('min_cells', { size });
    else this._size.reportValidity();
  }

  /** Change the threshold; a layer that does not follow gives way to the classes. @param {string} parameter @param {Partial<State>} change */
  _set(parameter, change) {
    const { store } = this._app;
    const { layers, classes } = this._facts;
    const shown = layers.find((l) => l.id === store.state.layer);
    store.set({ ...change, ...(classes && !(shown && has(shown, parameter)) ? { layer: classes.id, style: '' } : {}) });
  }
}

/** @param {Facts} facts @param {(least: number) => void} chosen */
function ruleChoice(facts, chosen) {
  const numbers = /** @type {number[]} */ (schemaOf(facts, 'min_pollutants')?.enum ?? []);
  if (!numbers.length) return null;
  return h('select', { 'data-name': 'least', onchange: (/** @type {any} */ e) => chosen(Number(e.target.value)) }, numbers.map((k) => h('option', { value: k }, ruleText(k, numbers.length))));
}

/** @param {number} k @param {number} n */
function ruleText(k, n) {
  if (n === 1) return W('ruleOne');
  return k === n ? W('ruleAll', { n }) : W('ruleOf', { k, n });
}

/** An offer to show what follows the threshold. @param {App} app @param {Facts} facts */
function other(app, { layers, classes }) {
  const shown = layers.find((l) => l.id === app.store.state.layer);
  if (!classes || (shown && has(shown, 'share'))) return null;
  return h('div', { class: 'threshold-other' }, h('span', {}, W('other')),
    h('button', { type: 'button', class: 'strong', onclick: () => app.store.set({ layer: classes.id, style: '' }) }, W('show')));
}

/** What was published, and the way back to it. @param {App} app @param {Facts} facts */
function about(app, facts) {
  const { store } = app;
  const own = ownOf(facts);
  const same = Object.entries(own).every(([key, value]) => store.state[/** @type {keyof State} */ (key)] === value);
  const zoned = facts.result.kind === 'zoning';
  const { delineation } = facts.result.manifest.identity?.parameters ?? {};
  const numbers = schemaOf(facts, 'min_pollutants')?.enum ?? [];
  const values = {
    name: facts.result.name, year: facts.result.years[0], mode: W(/** @type {any} */ (own.mode)), q: perCent(own.share), rule: numbers.length ? ruleText(own.least, numbers.length) : '–',
    cells: count(delineation?.min_cells), share: percent(delineation?.min_share),
  };
  return [
    h('p', { class: 'hint' }, W(zoned ? 'published' : 'unpublished', values), same && zoned ? [language() === 'zh' ? '' : ' ', W('same')] : ''),
    h('button', { type: 'button', 'data-name': 'reset', disabled: same, onclick: () => store.set(own) }, W(zoned ? 'reset' : 'resetRun')),
  ];
}

/** The result's own threshold, as the state has it. @param {Facts} facts */
function ownOf(facts) {
  const own = (/** @type {string} */ name, /** @type {number | string} */ other) => schemaOf(facts, name)?.default ?? other;
  return { share: Number(own('share', 0.05)), mode: String(own('mode', 'area')), least: Number(own('min_pollutants', 2)), size: Number(own('min_cells', 1)) };
}

/** @param {any} answer @param {Facts} facts */
function results(answer, { colours }) {
  return [
    h('h3', {}, W('results', { year: answer.year })), classTable(answer, colours),
    h('h3', {}, W('held')), massTable(answer, colours), h('p', { class: 'hint' }, W('heldHint')),
    h('h3', {}, W('cuts')), cutTable(answer),
  ];
}

/** @param {any} answer @param {Facts} facts */
function spoken(answer, { colours }) {
  const classes = answer.classes.map((/** @type {any} */ row) => W('saidClass', { name: colours[row.class]?.name ?? row.class, cells: count(row.cells), share: percent(row.share_area, 2) }));
  return W('said', { q: perCent(answer.threshold.share), classes: classes.join(language() === 'zh' ? '；' : '; ') });
}

/** @param {Facts} facts @param {string} name */
function schemaOf({ layers, classes }, name) {
  const layer = classes ?? layers.find((l) => has(l, name));
  return layer?.parameters.find((p) => p.name === name)?.schema;
}

/** @param {Facts} facts */
function mostCells(facts) {
  return schemaOf(facts, 'min_cells')?.maximum ?? 1;
}

/** @param {Layer} layer @param {string} name */
function has(layer, name) {
  return layer.parameters.some((p) => p.name === name);
}

/** @param {number[]} values */
function sum(values) {
  return values.reduce((a, b) => a + b, 0);
}

/** Call something when calls have come to rest. @template T @param {(value: T) => void} act @param {number} ms */
function later(act, ms) {
  let timer = 0;
  return {
    call: (/** @type {T} */ value) => { window.clearTimeout(timer); timer = window.setTimeout(() => act(value), ms); },
    end: () => window.clearTimeout(timer),
  };
}
