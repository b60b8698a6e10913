/** Tables of a threshold: what each class holds, how much of each species lies in it, and where each species is cut. */

import { h } from '../element.js';
import { words } from '../language.js';
import { amount, count, percent, species } from '../numbers.js';

/** @typedef {Record<string, {name: string, colour: string}>} Classes By code, in the order of the legend. */

const W = words({
  class: ['类别', 'Class'],
  cells: ['网格', 'Cells'],
  patches: ['斑块', 'Patches'],
  area: ['km²', 'km²'],
  domain: ['占全域', 'Of area'],
  all: ['合计', 'All'],
  tooSmall: ['小于 {least} 格，剔除', 'Below {least} cells, left out'],
  proxies: ['代用 {share}', 'proxy {share}'],
  species: ['排放物', 'Species'],
  apeq: ['污染物当量', 'Equivalent of pollutants'],
  density: ['阈值 t/(km²·年)', 'Cut, t/km² a year'],
  amount: ['阈值 t/(格·年)', 'Cut, t per cell a year'],
  mass: ['占排放', 'Of its mass'],
  held: ['各类别中的排放占比', 'Share of each species’ mass'],
  areas: ['各类别的范围', 'What each class holds'],
  cuts: ['各排放物的阈值', 'Where each species is cut'],
  fewer: ['全部有排放的网格', 'all cells that emit'],
});

/** Cells, patches, area of each class. @param {any} answer Of `/threshold`. @param {Classes} classes */
export function classTable(answer, classes) {
  const least = answer.threshold.min_cells;
  const sum = (/** @type {string} */ key) => answer.classes.reduce((/** @type {number} */ all, /** @type {any} */ row) => all + row[key], 0);
  return h('table', { class: 'threshold-classes' }, h('caption', { class: 'visually-hidden' }, W('areas')),
    h('thead', {}, h('tr', {}, header(W('class')), header(W('cells'), true), header(W('patches'), true), header(W('area'), true), header(W('domain'), true))),
    h('tbody', {}, answer.classes.map((/** @type {any} */ row) => h('tr', { 'data-class': row.class },
      h('th', { scope: 'row' }, h('span', { class: 'threshold-class' }, swatch(classes, row.class))), numbers(count(row.cells), count(row.patches), amount(row.area_km2), percent(row.share_area, 2))))),
    h('tfoot', {}, h('tr', {}, h('th', { scope: 'row' }, W('all')), numbers(count(sum('cells')), count(sum('patches')), amount(sum('area_km2')), percent(sum('share_area'), 2))),
      least > 1 ? h('tr', { class: 'threshold-small' }, h('th', { scope: 'row' }, W('tooSmall', { least })), numbers(count(sum('small_cells')), count(sum('small_patches')), amount(sum('small_area_km2')), percent(sum('small_area_km2') / domainKm2(answer), 2))) : null));
}

/** How much of each species each class holds, and what of that proxies placed. @param {any} answer @param {Classes} classes */
export function massTable(answer, classes) {
  return h('table', { class: 'threshold-mass' }, h('caption', { class: 'visually-hidden' }, W('held')),
    h('thead', {}, h('tr', {}, header(W('species')), answer.classes.map((/** @type {any} */ row) => h('th', { scope: 'col', class: 'number' }, swatch(classes, row.class))))),
    h('tbody', {}, answer.threshold.species.map((/** @type {string} */ s) => h('tr', { 'data-species': s }, h('th', { scope: 'row' }, species(s)),
      answer.classes.map((/** @type {any} */ row) => h('td', { class: 'number' }, percent(row[`${s}_share`]), bar(row[`${s}_share`], classes[row.class]?.colour),
        row[`${s}_proxy_share`] === null || row[`${s}_proxy_share`] === undefined ? null : h('span', { class: 'threshold-proxy' }, W('proxies', { share: percent(row[`${s}_proxy_share`], 0).replaceAll(' ', '') }))))))));
}

/** Where each species is cut. @param {any} answer */
export function cutTable(answer) {
  const rows = Object.entries(answer.cuts);
  return h('table', { class: 'threshold-cuts' }, h('caption', { class: 'visually-hidden' }, W('cuts')),
    h('thead', {}, h('tr', {}, header(W('species')), header(answer.threshold.mode === 'count' ? W('amount') : W('density'), true), header(W('cells'), true), header(W('mass'), true))),
    h('tbody', {}, rows.map(([s, cut]) => h('tr', { 'data-species': s }, h('th', { scope: 'row' }, s === 'apeq' ? W('apeq') : species(s), cut.fewer ? h('span', { class: 'threshold-proxy' }, W('fewer')) : null),
      numbers(amount(cut.threshold), count(cut.cells), percent(cut.share_mass))))));
}

/** The area that shares are of. @param {any} answer */
function domainKm2(answer) {
  const cuts = /** @type {any[]} */ (Object.values(answer.cuts));
  const cut = cuts.find((c) => c.share_area > 0);
  return cut ? cut.area_km2 / cut.share_area : NaN;
}

/** @param {Classes} classes @param {string} code */
function swatch(classes, code) {
  return [h('span', { class: 'swatch', style: { 'background-color': classes[code]?.colour ?? 'transparent' } }), classes[code]?.name ?? code];
}

/** @param {number} share @param {string} [colour] */
function bar(share, colour = 'currentColor') {
  return h('span', { class: 'threshold-bar', 'aria-hidden': 'true' }, h('span', { style: { width: share > 0 ? `max(1px, ${(Math.min(share, 1) * 100).toFixed(1)}%)` : '0', 'background-color': colour } }));
}

/** @param {string} text @param {boolean} [number] */
function header(text, number = false) {
  return h('th', { scope: 'col', class: number ? 'number' : null }, text);
}

/** @param {...string} texts */
function numbers(...texts) {
  return texts.map((text) => h('td', { class: 'number' }, text));
}
