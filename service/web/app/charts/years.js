/** Years: a small line a species over the years of a run, each on its own scale from zero, and the figures beside them. */

import { h, svg } from '../element.js';
import { words } from '../language.js';
import { mass, species } from '../numbers.js';
import { path } from './axes.js';
import { seriesClass } from './concentration.js';

/** @typedef {{species: string, year: number, amount_t: number}} Row */
/** @typedef {{result: string, rows: Row[]}} Series */

const W = words({
  label: ['{species}，{years}：由 {first} 到 {last}，变化 {change}', '{species}, {years}: from {first} to {last}, {change}'],
  species: ['排放物', 'Species'],
  all: ['逐年数值', 'All years'],
  change: ['变化', 'Change'],
  hint: ['各线纵轴自零起，刻度各异；圆点为当前年份。', 'Each line has a scale of its own, from zero; the dot is the year shown.'],
});
const [WIDTH, HEIGHT, EDGE] = [150, 44, 5];

/** @param {Series} answer @param {string[]} order @param {number} year The year that is shown. */
export function yearLines(answer, order, year) {
  const lines = order.map((code, k) => ({ code, k, rows: answer.rows.filter((r) => r.species === code).sort((a, b) => a.year - b.year) })).filter(({ rows }) => rows.length > 1);
  const years = [...new Set(answer.rows.map((r) => r.year))].sort((a, b) => a - b);
  return h('div', {}, h('p', { class: 'hint' }, W('hint')),
    h('ul', { class: 'charts-lines' }, lines.map(({ code, k, rows }) => line(code, k, rows, year))),
    h('details', {}, h('summary', {}, W('all')), h('div', { class: 'charts-wide', tabindex: '0', role: 'group', 'aria-label': W('all') },
      h('table', { class: 'charts-pairs' }, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, W('species')), years.map((y) => h('th', { scope: 'col', class: 'number' }, y)))),
        h('tbody', {}, lines.map(({ code, rows }) => h('tr', {}, h('th', { scope: 'row' }, species(code)), years.map((y) => h('td', { class: 'number' }, mass(rows.find((r) => r.year === y)?.amount_t))))))))));
}

/** Rows of the file. @param {Series} answer */
export function yearTable(answer) {
  return { columns: ['result', 'species', 'year', 'amount_t'], rows: answer.rows.map((r) => [answer.result, r.species, r.year, r.amount_t]) };
}

/** @param {string} code @param {number} k @param {Row[]} rows @param {number} year */
function line(code, k, rows, year) {
  const [first, last] = [rows[0], rows[rows.length - 1]];
  const most = Math.max(...rows.map((r) => r.amount_t), Number.MIN_VALUE);
  const x = (/** @type {number} */ y) => EDGE + ((y - first.year) / (last.year - first.year)) * (WIDTH - 2 * EDGE);
  const up = (/** @type {number} */ tonnes) => HEIGHT - EDGE - (tonnes / most) * (HEIGHT - 2 * EDGE);
  const now = rows.find((r) => r.year === year);
  const label = W('label', { species: species(code), years: `${first.year}–${last.year}`, first: mass(first.amount_t), last: mass(last.amount_t), change: change(first, last) });
  return h('li', { 'data-species': code }, h('strong', {}, species(code)),
    svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label },
      svg('line', { class: 'grid', x1: EDGE, x2: WIDTH - EDGE, y1: up(0), y2: up(0) }),
      svg('path', { class: `series ${seriesClass(k)}`, d: path(rows.map((r) => [x(r.year), up(r.amount_t)])) }),
      now ? svg('circle', { class: seriesClass(k), cx: x(now.year), cy: up(now.amount_t), r: 3.5 }) : null),
    h('span', { class: 'charts-change' }, h('span', {}, `${mass(first.amount_t)} → ${mass(last.amount_t)}`), h('span', {}, `${first.year}–${last.year}: ${change(first, last)}`)));
}

/** @param {Row} first @param {Row} last */
function change(first, last) {
  if (!(first.amount_t > 0)) return '–';
  const part = last.amount_t / first.amount_t - 1;
  return `${part < 0 ? '−' : '+'}${(Math.abs(part) * 100).toFixed(1)} %`;
}
