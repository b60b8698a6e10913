/** Who stands behind emissions: sources in order, each with what it emits and how it was placed. */

import { h } from '../element.js';
import { named, words } from '../language.js';
import { amount, count, percent } from '../numbers.js';
import { term } from '../vocabulary.js';
import { bar, notice } from './blocks.js';

/** @typedef {import('../types.js').Result} Result */
/** @typedef {{part: string, source_id: string, industry: string, sector: string, tier: string, mass_t: number, share: number, supply_security?: boolean}} Source */

const W = words({
  sources: ['排放源', 'Sources'],
  guarded: ['设施级信息需要密钥：请在页面顶部“密钥”处输入。', 'Facilities are shown with a key: enter one under “Key” at the head of the page.'],
  none: ['没有可列出的排放源。', 'There are no sources to list.'],
  noName: ['（网格清单）', '(gridded inventory)'],
  secures: ['保供', 'supply'],
  others: ['另有 {count} 个来源，合计 {share}。', 'and {count} others, {share} together.'],
  more: ['另有至少 {count} 个来源，合计 {share}。', 'and at least {count} others, {share} together.'],
  rest: ['其余来源合计 {share}。', 'All others: {share} together.'],
});
const SHOWN = 8;

/**
 * Sources of one species, or why there are none to see.
 * @param {Source[] | null | undefined} found Null for those who may not see facilities.
 * @param {(sector: string) => string} sectorName
 * @param {{asked?: number, places?: Record<string, string>}} [options] How many were asked for, where the list may go on: without it the list is what was
 * published. Names of places by code, for totals of a place that the inventory names in one language.
 */
export function sourceList(found, sectorName, { asked, places = {} } = {}) {
  if (found === null) return notice('plain', W('guarded'));
  if (!found?.length) return h('p', { class: 'hint' }, W('none'));
  const shown = found.slice(0, SHOWN);
  const share = 1 - shown.reduce((sum, s) => sum + s.share, 0);
  return [
    h('ol', { class: 'pg-sources', 'aria-label': W('sources') }, shown.map((s) => source(s, sectorName, places))),
    share > 1e-9 ? h('p', { class: 'hint' }, others(found.length - shown.length, share, asked === undefined ? null : found.length >= asked)) : null,
  ];
}

/** @param {number} more @param {number} share @param {boolean | null} open Whether there may be more than were told; null where only the first were published. */
function others(more, share, open) {
  if (open === null || more <= 0) return W('rest', { share: percent(share) });
  return W(open ? 'more' : 'others', { count: count(more), share: percent(share) });
}

/** @param {Source} s @param {(sector: string) => string} sectorName @param {Record<string, string>} places */
function source(s, sectorName, places) {
  const name = (Object.hasOwn(places, s.source_id) && places[s.source_id]) || named(s) || s.source_id || W('noName');
  const about = [s.industry, s.sector ? sectorName(s.sector) : '', s.part, name === s.source_id ? '' : s.source_id].filter(Boolean).join(' · ');
  return h('li', {},
    h('div', { class: 'pg-source-name' }, name, ' ', s.supply_security ? h('span', { class: 'pg-tag' }, W('secures')) : null),
    h('div', { class: 'hint' }, about),
    h('div', { class: 'pg-source-amount' }, bar(s.share), h('span', {}, `${amount(s.mass_t)} t · ${percent(s.share)}`), h('span', { class: 'pg-tag' }, term('mass', s.tier))));
}
