/** Totals of two years side by side: every species, and one species by sector. */

import { chips } from '../chips.js';
import { fill, h } from '../element.js';
import { language, named, words } from '../language.js';
import { mass, percent, species } from '../numbers.js';
import { isAborted } from '../service.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {{key: string, name_zh: string, name_en: string, species: string, amount_t: number}} Total */

const W = words({
  all: ['全域排放量，{from} 与 {to} 年', 'Emissions of the whole domain, {from} and {to}'],
  sectors: ['按行业', 'By sector'],
  sectorsOf: ['{species} 按行业的排放量，{from} 与 {to} 年，变化大者在前', '{species} by sector, {from} and {to}, the largest changes first'],
  species: ['排放物', 'Species'],
  sector: ['行业', 'Sector'],
  change: ['变化', 'Change'],
  layer: ['在地图上显示 {species} 的变化（{from}—{to} 年）', 'Show the change of {species} on the map, {from} to {to}'],
  loading: ['正在读取…', 'Loading…'],
});

/**
 * Tables of two years, the earlier first.
 * @param {HTMLElement} root @param {App} app @param {number} one @param {number} other
 * @returns {() => void}
 */
export function mountTotals(root, app, one, other) {
  const { store, catalogue } = app;
  const [from, to] = [Math.min(one, other), Math.max(one, other)];
  const run = catalogue.runOf(store.state.result);
  const id = catalogue.head(run) ? run : store.state.result;
  let ended = false;
  const of = (/** @type {string} */ by) => Promise.all([from, to].map((year) => app.service.get(`api/results/${id}/totals`, { by, year, limit: 10_000 })));
  const sectors = h('div', {});
  const render = async () => {
    const [[a, b], [c, d]] = await Promise.all([of('species'), of('sector')]);
    if (ended) return;
    const drawSectors = () => fill(sectors, sectorsOf(app, c.rows, d.rows, from, to));
    off = store.on(['rank'], drawSectors);
    drawSectors();
    fill(root, table(W('all', { from, to }), W('species'), from, to, pairs(a.rows, b.rows).map(([p, q]) => ({ name: species(p.species), a: p.amount_t, b: q.amount_t }))),
      h('p', { class: 'hint' }, language() === 'zh' ? a.method.zh : a.method.en), h('h3', {}, W('sectors')), sectors);
  };
  let off = () => {};
  fill(root, h('p', { class: 'hint' }, W('loading')));
  render().catch((error) => { if (!ended && !isAborted(error)) fill(root, h('p', { class: 'wrong' }, error.message)); });
  return () => { ended = true; off(); };
}

/** One species by sector. @param {App} app @param {Total[]} a @param {Total[]} b @param {number} from @param {number} to */
function sectorsOf({ store, catalogue }, a, b, from, to) {
  const wanted = store.state.rank;
  const of = (/** @type {Total[]} */ rows) => rows.filter((row) => row.species === wanted);
  const rows = pairs(of(a), of(b)).map(([p, q]) => ({ name: named(p) || p.key, a: p.amount_t, b: q.amount_t }));
  rows.sort((p, q) => Math.abs(q.b - q.a) - Math.abs(p.b - p.a));
  const all = catalogue.head(store.state.result)?.species ?? [];
  return [
    h('div', { role: 'group', 'aria-label': W('species') }, chips('totals-species', wanted, all, species, (s) => store.set({ rank: s }))),
    table(W('sectorsOf', { species: species(wanted), from, to }), W('sector'), from, to, rows),
    h('button', { type: 'button', class: 'compare-layer', 'data-name': 'change-layer', onclick: () => store.set({ layer: `change-${wanted}`, from, year: to, style: '', compare: '' }) }, W('layer', { species: species(wanted), from, to })),
  ];
}

/** Rows that are about the same thing in both; what is missing in one is nothing there. @param {Total[]} a @param {Total[]} b @returns {[Total, Total][]} */
function pairs(a, b) {
  const key = (/** @type {Total} */ row) => `${row.key} ${row.species}`;
  const [first, second] = [new Map(a.map((row) => [key(row), row])), new Map(b.map((row) => [key(row), row]))];
  return [...new Set([...first.keys(), ...second.keys()])].map((k) => {
    const known = /** @type {Total} */ (first.get(k) ?? second.get(k));
    const none = { ...known, amount_t: 0 };
    return [first.get(k) ?? none, second.get(k) ?? none];
  });
}

/** @param {string} caption @param {string} what @param {number | string} from @param {number | string} to @param {{name: string, a: number, b: number}[]} rows */
export function table(caption, what, from, to, rows) {
  return h('table', { class: 'compare-table' }, h('caption', {}, caption),
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, what), [from, to, W('change')].map((t) => h('th', { scope: 'col', class: 'number' }, t)))),
    h('tbody', {}, rows.map(({ name, a, b }) => h('tr', {}, h('th', { scope: 'row' }, name), h('td', { class: 'number' }, mass(a)), h('td', { class: 'number' }, mass(b)), h('td', { class: 'number' }, change(a, b))))));
}

/** A difference with its sign, in tonnes and as a part of the first. @param {number} a @param {number} b @returns {Node[]} */
export function change(a, b) {
  const sign = b > a ? '+' : b < a ? '−' : '';
  return [h('span', {}, `${sign}${mass(Math.abs(b - a))}`), h('span', { class: 'soft' }, a > 0 ? `${sign}${percent(Math.abs(b - a) / a)}` : '–')];
}
