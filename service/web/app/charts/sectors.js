/** Sectors: what each gives of a species, the largest first. A table whose bars are seen at a glance. */

import { h } from '../element.js';
import { named, words } from '../language.js';
import { mass, percent, species } from '../numbers.js';

/** @typedef {{key: string, name_zh: string, name_en: string, species: string, amount_t: number, share: number | null}} Total */
/** @typedef {{result: string, year: number, rows: Total[]}} Totals */

const W = words({
  sector: ['行业', 'Sector'],
  amount: ['排放量', 'Amount'],
  share: ['占比', 'Share'],
  caption: ['{species} 的行业构成，{year} 年', '{species} by sector, {year}'],
  none: ['此排放物无排放记录。', 'Nothing is recorded of this species.'],
  total: ['合计', 'All'],
});

/** @param {Totals} answer @param {string} code Of the species. */
export function sectorBars(answer, code) {
  const rows = ranked(answer, code);
  if (!rows.length) return h('p', {}, W('none'));
  const most = Math.max(...rows.map((r) => r.amount_t), Number.MIN_VALUE);
  return h('table', { class: 'charts-bars' }, h('caption', { class: 'visually-hidden' }, W('caption', { species: species(code), year: answer.year })),
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, W('sector')), h('th', { scope: 'col', class: 'number' }, W('amount')), h('th', { scope: 'col', class: 'number' }, W('share')))),
    h('tbody', {}, rows.map((r) => h('tr', { 'data-sector': r.key },
      h('th', { scope: 'row' }, named(r) || r.key, h('span', { class: 'charts-bar', 'aria-hidden': 'true' }, h('span', { style: { width: `${((100 * r.amount_t) / most).toFixed(1)}%` } }))),
      h('td', { class: 'number' }, mass(r.amount_t)), h('td', { class: 'number' }, percent(r.share))))),
    h('tfoot', {}, h('tr', {}, h('th', { scope: 'row' }, W('total')), h('td', { class: 'number' }, mass(rows.reduce((all, r) => all + r.amount_t, 0))), h('td', { class: 'number' }, percent(rows.reduce((all, r) => all + (r.share ?? 0), 0))))));
}

/** Rows of the file. @param {Totals} answer @param {string} code */
export function sectorTable(answer, code) {
  return {
    columns: ['result', 'year', 'species', 'sector', 'name_zh', 'name_en', 'amount_t', 'share'],
    rows: ranked(answer, code).map((r) => [answer.result, answer.year, r.species, r.key, r.name_zh, r.name_en, r.amount_t, r.share]),
  };
}

/** @param {Totals} answer @param {string} code */
function ranked(answer, code) {
  return answer.rows.filter((r) => r.species === code && r.amount_t > 0).sort((a, b) => b.amount_t - a.amount_t);
}
