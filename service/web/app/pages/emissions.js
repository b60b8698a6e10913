/** What a unit emits: by species, and for one of them by placing, sector and source. */

import { h } from '../element.js';
import { named, words } from '../language.js';
import { amount, percent, species } from '../numbers.js';
import { bar, bySpecies, placing, scrolled, section, table } from './blocks.js';
import { sourceList } from './sources.js';

const W = words({
  emissions: ['排放（{year} 年）', 'Emissions, {year}'],
  species: ['排放物', 'Species'],
  amount: ['#排放量 (t/a)', '#Amount (t/yr)'],
  density: ['#密度 (t/km²/a)', '#Density (t/km²/yr)'],
  share: ['#占全区', '#Of the region'],
  bySpecies: ['行业与来源', 'Sectors and sources'],
  placed: ['定位方式', 'Placed by'],
  sectors: ['行业构成', 'By sector'],
  sector: ['行业', 'Sector'],
  sectorShare: ['#占比', '#Share'],
  tonnes: ['#t/a', '#t/yr'],
  quotient: ['#区位商', '#Quotient'],
  focus: ['重点行业', 'focus'],
  focusNote: ['★ 重点行业。区位商：行业在本单元的占比与其在全区占比之比。', '★ what the unit is about. Quotient: a sector’s share here over its share in the region.'],
  minor: ['另有 {count} 个行业，合计 {share}。', '{count} further sectors, {share} together.'],
  sources: ['主要排放源', 'Largest sources'],
  none: ['没有该排放物的排放。', 'Nothing of this species is emitted here.'],
});
/** Sectors with less of a unit than this are told together. */
const MINOR = 0.0005;

/** @param {any} unit @param {number} year */
export function emissionsPart(unit, year) {
  const title = W('emissions', { year });
  const rows = unit.species.map((/** @type {any} */ s) => [species(s.species), amount(s.t), amount(s.t_km2), percent(s.share, s.share < 0.01 ? 2 : 1)]);
  return section(title, scrolled(title, table([W('species'), W('amount'), W('density'), W('share')], rows, title)));
}

/**
 * Placing, sectors and sources of a species that is chosen.
 * @param {any} page @param {string} first Species that is shown first. @param {(sector: string) => string} sectorName
 */
export function speciesPart(page, first, sectorName) {
  const known = page.unit.species.map((/** @type {any} */ s) => s.species);
  const places = { [page.unit.jurisdiction]: named(page.unit, 'jurisdiction') };
  const of = (/** @type {any[]} */ rows, /** @type {string} */ s) => rows.filter((r) => r.species === s);
  return section(W('bySpecies'), bySpecies('unit-species', known, first, (s) => [
    ...ofPlacing(of(page.tiers, s)),
    h('h4', {}, W('sectors')), ...sectorsOf(of(page.sectors, s), sectorName),
    h('h4', {}, W('sources')), sourceList(page.contributors === null ? null : of(page.contributors, s), sectorName, { places }),
  ].flat()));
}

/** @param {any[]} rows */
function ofPlacing(rows) {
  const shares = Object.fromEntries(rows.filter((r) => r.share > 0).map((r) => [r.tier, r.share]));
  return Object.keys(shares).length ? [h('h4', {}, W('placed')), placing(shares)] : [];
}

/** @param {any[]} rows @param {(sector: string) => string} sectorName */
function sectorsOf(rows, sectorName) {
  const sorted = rows.filter((r) => r.mass_t > 0).sort((a, b) => b.mass_t - a.mass_t);
  if (!sorted.length) return [h('p', { class: 'hint' }, W('none'))];
  const shown = sorted.filter((r, i) => r.focus || r.share >= MINOR || i < 3);
  const minor = sorted.filter((r) => !shown.includes(r));
  const cells = shown.map((r) => [
    [r.focus ? h('span', { class: 'pg-star', title: W('focus') }, '★', h('span', { class: 'visually-hidden' }, ` ${W('focus')} `)) : '', sectorName(r.sector) || '–'],
    [percent(r.share), bar(r.share)], amount(r.mass_t), quotient(r.quotient),
  ]);
  return [
    table([W('sector'), W('sectorShare'), W('tonnes'), W('quotient')], cells, W('sectors')),
    h('p', { class: 'hint' }, [minor.length ? W('minor', { count: minor.length, share: percent(minor.reduce((sum, r) => sum + r.share, 0)) }) : '', W('focusNote')].filter(Boolean).join(' ')),
  ];
}

/** @param {number | null} value */
function quotient(value) {
  if (value === null) return '–';
  return value > 0 && value < 0.01 ? '< 0.01' : amount(Number(value.toPrecision(2)));
}
