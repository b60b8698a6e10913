/** What lies in a polygon, as tables: amounts by species, by sector and tier, area by class, who emits most. */

import { sectorName } from '../catalogue.js';
import { chips } from '../chips.js';
import { h } from '../element.js';
import { named, words } from '../language.js';
import { amount, count, mass, percent, species } from '../numbers.js';
import { term } from '../vocabulary.js';

/** @typedef {import('../types.js').Result} Result */

/** @typedef {{class: string, area_km2: number, share: number | null}} Held Area of a class. */

/**
 * The answer of `POST /api/results/{id}/zonal`.
 * @typedef {object} Inside
 * @property {string} result
 * @property {string} run
 * @property {number} year
 * @property {{zh: string, en: string}} method
 * @property {number} area_km2
 * @property {number} outside_share
 * @property {number} cells
 * @property {{species: string, amount_t: number, density_t_km2: number | null, share: number | null, sectors: Record<string, number>, tiers: Record<string, number>}[]} species
 * @property {Held[]} classes
 * @property {number | null} hot_share
 * @property {{threshold: {share: number, mode: string, min_pollutants: number, min_cells: number}, classes: Held[], hot_share: number | null} | null} at_threshold
 * @property {Record<string, {part: string, source_id: string, name_zh: string, name_en: string, industry: string, sector: string, tier: string, mass_t: number, share: number}[]> | null} contributors
 */

const W = words({
  facts: ['概况', 'In short'],
  area: ['面积', 'Area'],
  cells: ['涉及网格', 'Cells touched'],
  year: ['年份', 'Year'],
  outside: ['网格范围之外', 'Beyond the grid'],
  amounts: ['各排放物排放', 'Emissions by species'],
  species: ['排放物', 'Species'],
  amount: ['年排放量', 'Per year'],
  density: ['吨/km²', 't/km²'],
  ofAll: ['占全区', 'Of the region'],
  detail: ['构成', 'Made up of'],
  sectors: ['{species}：按行业', '{species} by sector'],
  sector: ['行业', 'Sector'],
  noSector: ['未分行业', 'no sector'],
  tiers: ['{species}：按定位依据', '{species} by how it was placed'],
  tier: ['依据', 'Placed by'],
  proxy: ['由代用指标或均匀分配定位的占 {share}。', '{share} rests on proxies or an even spread.'],
  inside: ['占比', 'Share'],
  nothing: ['多边形内没有 {species} 排放。', 'No {species} is emitted inside.'],
  classesZoned: ['按管控类别的面积（已发布区划）', 'Area by class, as the zoning published it'],
  classesAt: ['按热点类别的面积（按阈值）', 'Area by class, at the threshold'],
  threshold: ['{mode}的 {share} 为热点，至少 {least} 种污染物，斑块至少 {size} 个网格；在“阈值”面板中调整。', 'Hot: {share} of the {mode}; {least} pollutants and patches of {size} cells at least. The threshold panel sets it.'],
  class: ['类别', 'Class'],
  hot: ['有类别的面积合计 {share}。', '{share} of the area is of a class.'],
  noClasses: ['此清单缺少划分类别所需的排放物。', 'The species of this run make no classes.'],
  contributors: ['{species}：主要来源', 'Who emits most {species}'],
  name: ['名称', 'Name'],
  key: ['列出排放源需要密钥：在页面顶部“密钥”处输入。', 'The list of sources needs a key: enter one at the head of the page, under Key.'],
  unnamed: ['（无名称）', '(without a name)'],
});
/** What rounding makes of nothing. */
const NOISE = 1e-6;
const PROXIES = ['surrogate', 'uniform'];

/**
 * @param {Inside} answer @param {Result} result
 * @param {{species: string, zoned: boolean, colours: Record<string, string>, choose: (species: string) => void}} options
 *   `species`: the one that is told apart; `zoned`: classes are those of the zoning.
 */
export function insideOf(answer, result, { species: code, zoned, colours, choose }) {
  const own = answer.species.find((s) => s.species === code) ?? answer.species[0];
  return [
    h('h3', {}, W('facts')), facts(answer),
    h('h3', {}, W('amounts')), amounts(answer),
    h('h3', {}, W('detail')),
    h('div', { role: 'group', 'aria-label': W('species') }, chips('inside', own.species, answer.species.map((s) => s.species), species, choose)),
    ...parts(own, result),
    ...(zoned ? [h('h3', {}, W('classesZoned')), ...classes(answer, colours, W('classesZoned'))] : []),
    h('h3', {}, W('classesAt')), ...atThreshold(answer, colours),
    h('h3', {}, W('contributors', { species: species(own.species) })), contributors(answer, own.species, result),
    h('p', { class: 'hint' }, named({ m_zh: answer.method.zh, m_en: answer.method.en }, 'm')),
  ];
}

/** @param {Inside} answer */
function facts(answer) {
  const line = (/** @type {string} */ name, /** @type {string} */ value) => h('div', {}, h('dt', {}, name), h('dd', {}, value));
  return h('dl', { class: 'area-facts' },
    line(W('area'), `${amount(answer.area_km2)} km²`), line(W('cells'), count(answer.cells)), line(W('year'), String(answer.year)),
    answer.outside_share > NOISE ? line(W('outside'), percent(answer.outside_share)) : null);
}

/** @param {Inside} answer */
function amounts(answer) {
  return table(W('amounts'), [W('species'), W('amount'), W('density'), W('ofAll')], answer.species.map((s) =>
    [species(s.species), mass(s.amount_t), amount(s.density_t_km2), percent(s.share, 2)]));
}

/** Sectors and tiers of a species. @param {Inside['species'][number]} own @param {Result} result */
function parts(own, result) {
  const name = species(own.species);
  if (!(own.amount_t > 0)) return [h('p', { class: 'hint' }, W('nothing', { species: name }))];
  const proxies = PROXIES.reduce((sum, tier) => sum + (own.tiers[tier] ?? 0), 0);
  const rows = (/** @type {Record<string, number>} */ held, /** @type {(code: string) => string} */ text) =>
    Object.entries(held).sort((a, b) => b[1] - a[1]).map(([code, t]) => [text(code), mass(t), bar(t / own.amount_t)]);
  return [
    table(W('sectors', { species: name }), [W('sector'), W('amount'), W('inside')], rows(own.sectors, (c) => (c ? sectorName(result, c) : W('noSector'))), true),
    table(W('tiers', { species: name }), [W('tier'), W('amount'), W('inside')], rows(own.tiers, (c) => term('mass', c)), true),
    h('p', { class: 'hint' }, W('proxy', { share: percent(proxies / own.amount_t) })),
  ];
}

/** @param {Inside} answer @param {Record<string, string>} colours */
function atThreshold({ at_threshold: found }, colours) {
  if (!found) return [h('p', { class: 'hint' }, W('noClasses'))];
  const { share, mode, min_pollutants: least, min_cells: size } = found.threshold;
  return [...classes(found, colours, W('classesAt')), h('p', { class: 'hint' }, W('threshold', { share: percent(share), mode: term('mode', mode), least, size }))];
}

/** @param {{classes: Held[], hot_share: number | null}} answer @param {Record<string, string>} colours @param {string} caption */
function classes(answer, colours, caption) {
  return [
    table(caption, [W('class'), W('area'), W('inside')], answer.classes.map((c) => [
      h('span', {}, h('span', { class: 'swatch', style: { 'background-color': colours[c.class] ?? 'transparent' } }), term('class', c.class)), `${amount(c.area_km2)} km²`, bar(c.share ?? 0)])),
    h('p', { class: 'hint' }, W('hot', { share: percent(answer.hot_share) })),
  ];
}

/** @param {Inside} answer @param {string} code @param {Result} result */
function contributors(answer, code, result) {
  if (!answer.contributors) return h('p', { class: 'hint' }, W('key'));
  const list = answer.contributors[code] ?? [];
  if (!list.length) return h('p', { class: 'hint' }, W('nothing', { species: species(code) }));
  return table(W('contributors', { species: species(code) }), [W('name'), W('amount'), W('inside')], list.map((c) => [
    h('span', {}, named(c) || c.source_id || W('unnamed'), h('span', { class: 'area-under' }, [c.sector ? sectorName(result, c.sector) : '', term('mass', c.tier), named(c) ? c.source_id : ''].filter(Boolean).join(' · '))),
    mass(c.mass_t), bar(c.share)]));
}

/** A share with its length. @param {number} share */
function bar(share) {
  return h('span', { class: 'area-share' }, percent(share), h('span', { class: 'area-bar', 'aria-hidden': 'true' }, h('span', { style: { width: `${Math.min(100, Math.max(0, share * 100)).toFixed(1)}%` } })));
}

/** @param {string} caption @param {string[]} heads @param {(string | HTMLElement)[][]} rows @param {boolean} [shown] Whether the caption is seen. */
function table(caption, heads, rows, shown = false) {
  const kind = (/** @type {number} */ k) => (k ? 'number' : '');
  return h('table', { class: 'area-table' }, h('caption', { class: shown ? '' : 'visually-hidden' }, caption),
    h('thead', {}, h('tr', {}, heads.map((text, k) => h('th', { scope: 'col', class: kind(k) }, text)))),
    h('tbody', {}, rows.map((row) => h('tr', {}, row.map((cell, k) => (k ? h('td', { class: kind(k) }, cell) : h('th', { scope: 'row' }, cell)))))));
}
