/** Columns of the table of units: what a head is called and sorts by, what a cell says. */

import { h } from '../element.js';
import { language, named, words } from '../language.js';
import { amount, count, mass, percent, species } from '../numbers.js';
import { term } from '../vocabulary.js';

/**
 * @typedef {object} Unit One of `GET /api/results/{id}/units`.
 * @property {string} unit
 * @property {string} class
 * @property {string} name_zh
 * @property {string} name_en
 * @property {number} area_km2
 * @property {string} tier
 * @property {string} robustness
 * @property {number | null} membership
 * @property {number | null} proxy_share
 * @property {boolean} proxy_led
 * @property {number} score
 * @property {number} rank
 * @property {number} rank_low
 * @property {number} rank_high
 * @property {[number, number, number, number]} bbox
 * @property {{species: string, t: number}[]} species
 *
 * @typedef {object} Shown What rows are drawn with.
 * @property {string} species Whose emissions are in the last column.
 * @property {Record<string, string>} colours Of classes.
 *
 * @typedef {object} Column
 * @property {string} id Class of its cells.
 * @property {(shown: Shown) => string} title
 * @property {(shown: Shown) => string} [sort] What it sorts by; none: it does not.
 * @property {boolean} [down] Whether the largest come first when it is chosen.
 * @property {boolean} [number]
 * @property {(unit: Unit, shown: Shown) => (Node | string)[]} cell
 */

const W = words({
  rank: ['排名', 'Rank'],
  unit: ['编码', 'Code'],
  name: ['名称', 'Name'],
  class: ['类别', 'Class'],
  score: ['得分', 'Score'],
  area: ['面积', 'Area'],
  membership: ['稳健度', 'Membership'],
  proxy: ['代用占比', 'Proxy share'],
  tier: ['证据层级', 'Tier'],
  interval: ['排名区间 {low}–{high}', 'rank interval {low} to {high}'],
});

/** Classes in a letter. @type {Record<string, [string, string]>} */
const SHORT = { co_control: ['协', 'Co'], pollution_only: ['污', 'P'], carbon_only: ['碳', 'C'], watch: ['注', 'W'] };

/** @type {Column[]} */
export const COLUMNS = [
  { id: 'rank', title: () => W('rank'), sort: () => 'rank', number: true, cell: rank },
  { id: 'name', title: () => W('name'), sort: () => (language() === 'zh' ? 'name_zh' : 'name_en'), cell: (u) => [named(u)] },
  { id: 'class', title: () => W('class'), cell: classCell },
  { id: 'unit', title: () => W('unit'), sort: () => 'unit', cell: (u) => [u.unit] },
  { id: 'score', title: () => W('score'), sort: () => 'score', down: true, number: true, cell: (u) => [u.score.toFixed(1)] },
  { id: 'area', title: () => W('area'), sort: () => 'area_km2', down: true, number: true, cell: (u) => [`${amount(u.area_km2)} km²`] },
  { id: 'membership', title: () => W('membership'), sort: () => 'membership', down: true, number: true, cell: (u) => [u.membership === null ? '–' : u.membership.toFixed(2), h('span', { class: 'soft' }, ` ${term('robustness', u.robustness)}`)] },
  { id: 'tier', title: () => W('tier'), cell: (u) => [term('tier', u.tier)] },
  { id: 'proxy', title: () => W('proxy'), sort: () => 'proxy_share', down: true, number: true, cell: (u) => [percent(u.proxy_share)] },
  { id: 'amount', title: (s) => species(s.species), sort: (s) => `${s.species}_t`, down: true, number: true, cell: (u, s) => [mass(u.species.find((x) => x.species === s.species)?.t)] },
];

/** The rank, and beside it the interval that it lies in. @param {Unit} unit */
function rank({ rank: own, rank_low: low, rank_high: high }) {
  if (low === high) return [count(own)];
  return [count(own), h('span', { class: 'soft' }, h('span', { 'aria-hidden': 'true' }, ` ${count(low)}–${count(high)}`), h('span', { class: 'visually-hidden' }, ` ${W('interval', { low: count(low), high: count(high) })}`))];
}

/** @param {Unit} unit @param {Shown} shown */
function classCell(unit, { colours }) {
  return [badge(unit.class, colours), h('span', { class: 'word' }, term('class', unit.class))];
}

/** A class by its colour and a letter, so that the colour is not alone in telling. @param {string} code @param {Record<string, string>} colours */
export function badge(code, colours) {
  const colour = colours[code] ?? '#888888';
  const short = SHORT[code]?.[language() === 'zh' ? 0 : 1] ?? '–';
  return h('span', { class: 'badge', title: term('class', code), 'aria-hidden': 'true', style: { 'background-color': colour, color: inkOn(colour) } }, short);
}

/** Black or white, whichever is read better on a colour. @param {string} colour `#rrggbb` */
export function inkOn(colour) {
  const [r, g, b] = [1, 3, 5].map((k) => (parseInt(colour.slice(k, k + 2), 16) / 255) ** 2.2);
  // Contrast with white falls below that with black where luminance passes this.
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000000' : '#ffffff';
}
