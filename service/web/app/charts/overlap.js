/** Overlap: how far the hot cells of every two species coincide, beside chance, and without what both got through one proxy. */

import { h } from '../element.js';
import { words } from '../language.js';
import { species } from '../numbers.js';

/** @typedef {'jaccard' | 'lift' | 'capture'} Measure */
/** @typedef {{result: string, year: number, mode: string, share: number, published: boolean, rows: Record<string, any>[]}} Overlap */

/** @type {Measure[]} */
export const MEASURES = ['jaccard', 'lift', 'capture'];
const W = words({
  jaccard: ['Jaccard', 'Jaccard'],
  lift: ['提升度', 'Lift'],
  capture: ['捕获率', 'Capture'],
  jaccardMeans: ['Jaccard 系数：两种排放物共同热点面积与合并热点面积之比，1 为完全重合。', 'Area that is hot for both over the area that is hot for either; 1: the same.'],
  liftMeans: ['共同热点面积与相互独立时期望值之比，1 为无关。', 'Area that is hot for both over what independence would give; 1: unrelated.'],
  captureMeans: ['列排放物的热点排放中位于行排放物热点内的比例。', 'Of the column’s hot mass, what lies in the row’s hot cells.'],
  chance: ['随机 {value}', 'null {value}'],
  readPublished: ['右上：实测（小字为随机平移的均值）；左下：剔除共用代用指标分配的排放后。', 'Upper right: observed (null: mean of random shifts). Lower left: without what both got through one proxy.'],
  readOwn: ['右上：实测。随机均值与剔除代用指标后的值仅在区划的发布阈值处给出。', 'Upper right: observed. Null and proxy-free values exist at the published threshold of a zoning only.'],
  caption: ['排放物热点重叠矩阵：{measure}', 'Overlap of hot cells: {measure}'],
  all: ['全部数值', 'All values'],
  pair: ['排放物对', 'Species'],
  observed: ['实测', 'Observed'],
  mean: ['随机均值', 'Null'],
  range: ['随机 97.5 %', 'Null, 97.5 %'],
  p: ['p 值', 'p'],
  free: ['剔除代用', 'Proxy-free'],
  none: ['只有一种排放物，无重叠可言。', 'There is one species only, and no overlap.'],
});

/** What a measure is called. @param {Measure} measure */
export function measureName(measure) {
  return W(measure);
}

/** The matrix, how to read it, and all of its values. @param {Overlap} answer @param {string[]} order @param {Measure} measure */
export function overlapMatrix(answer, order, measure) {
  if (!answer.rows.length) return h('p', {}, W('none'));
  const row = (/** @type {string} */ a, /** @type {string} */ b) => answer.rows.find((r) => r.a === a && r.b === b);
  return h('div', {}, h('p', { class: 'hint' }, W(/** @type {any} */ (`${measure}Means`))),
    h('div', { class: 'charts-wide', tabindex: '0', role: 'group', 'aria-label': W('caption', { measure: W(measure) }) },
      h('table', { class: 'charts-matrix' }, h('caption', { class: 'visually-hidden' }, W('caption', { measure: W(measure) })),
        h('thead', {}, h('tr', {}, h('td', {}), order.map((s) => h('th', { scope: 'col' }, species(s))))),
        h('tbody', {}, order.map((a, i) => h('tr', {}, h('th', { scope: 'row' }, species(a)), order.map((b, j) => {
          if (i === j) return h('td', { class: 'same', 'aria-hidden': 'true' });
          return i < j ? cell(answer, row(a, b), measure, false) : cell(answer, row(b, a), measure, true);
        })))))),
    h('p', { class: 'hint' }, W(answer.published ? 'readPublished' : 'readOwn')),
    h('details', {}, h('summary', {}, W('all')), h('div', { class: 'charts-wide', tabindex: '0', role: 'group', 'aria-label': W('all') }, pairs(answer, measure))));
}

/** Rows of the file. @param {Overlap} answer */
export function overlapTable(answer) {
  const names = Object.keys(answer.rows[0] ?? {});
  return { columns: ['result', 'year', 'mode', 'share', ...names], rows: answer.rows.map((r) => [answer.result, answer.year, answer.mode, answer.share, ...names.map((n) => r[n])]) };
}

/** @param {Overlap} answer @param {Record<string, any> | undefined} row @param {Measure} measure @param {boolean} free */
function cell(answer, row, measure, free) {
  const value = row?.[free ? `free_${measure}` : measure];
  const chance = free ? null : row?.[`${measure}_null`];
  if (value === null || value === undefined) return h('td', { class: free ? 'free' : '' }, free ? '' : '–');
  return h('td', { class: free ? 'free' : '', style: { '--shade': `${(40 * strength(value, measure, answer.share)).toFixed(0)}%` } }, written(value),
    chance === null || chance === undefined ? null : h('span', {}, W('chance', { value: written(chance) })));
}

/** How dark a value is, 0 to 1; a lift is at most one over the share. @param {number} value @param {Measure} measure @param {number} share */
function strength(value, measure, share) {
  const part = measure === 'lift' ? Math.log(Math.max(value, 1)) / Math.log(1 / share) : value;
  return Math.min(Math.max(part, 0), 1);
}

/** @param {number | null | undefined} value @param {number} [digits] Below ten. */
function written(value, digits = 2) {
  return value === null || value === undefined ? '–' : value < 10 ? value.toFixed(digits) : value.toFixed(value < 100 ? 1 : 0);
}

/** @param {Overlap} answer @param {Measure} measure */
function pairs(answer, measure) {
  const heads = [W('pair'), W('observed'), W('mean'), W('range'), ...(measure === 'jaccard' ? [W('p')] : []), W('free')];
  return h('table', { class: 'charts-pairs' }, h('thead', {}, h('tr', {}, heads.map((text, k) => h('th', { scope: 'col', class: k ? 'number' : null }, text)))),
    h('tbody', {}, answer.rows.map((r) => {
      const values = [r[measure], r[`${measure}_null`], r[`${measure}_high`], ...(measure === 'jaccard' ? [r.jaccard_p] : []), r[`free_${measure}`]];
      return h('tr', {}, h('th', { scope: 'row' }, `${species(r.a)} – ${species(r.b)}`), values.map((v) => h('td', { class: 'number' }, written(v, 3))));
    })));
}
