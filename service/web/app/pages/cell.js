/** The page of a cell: where it is, what it emits and how that ranks, what the zoning says of it, and who stands behind it. */

import { sectorName } from '../catalogue.js';
import { h } from '../element.js';
import { language, named, words } from '../language.js';
import { classColours } from '../map/canvas.js';
import { amount, count, degrees, percent, species } from '../numbers.js';
import { term } from '../vocabulary.js';
import { bySpecies, classChip, facts, notice, placing, scrolled, section, table } from './blocks.js';
import { conflictLine, conflictOf, limitOf } from './conflicts.js';
import { pointAt, TOP } from './point.js';
import { sourceList } from './sources.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('../types.js').Result} Result */

const W = words({
  title: ['网格 {cell}', 'Cell {cell}'],
  place: ['位置', 'Place'],
  coordinates: ['中心坐标', 'Its middle'],
  area: ['面积', 'Area'],
  row: ['行 {row}，列 {col}', 'row {row}, column {col}'],
  outside: ['此网格不在区域内，不参与热点判定。', 'This cell lies outside of the domain and takes no part in decisions.'],
  invalid: ['此网格不属于本清单的计算范围。', 'This cell is no part of the run.'],
  zoning: ['区划结论', 'What the zoning says'],
  class: ['类别', 'Class'],
  tier: ['证据层级', 'Evidence'],
  membership: ['类别稳健度', 'Membership'],
  years: ['达到类别规则的年数', 'Years in which it met its rule'],
  proxy: ['共用代用指标占比', 'From shared proxies'],
  proxyLed: ['{share} 的排放由多种排放物共用的代用指标分配：先核实。', '{share} of it rests on shared proxies; verify first.'],
  hotspot: ['所属热点', 'Hotspot'],
  seed: ['热点 {patch} 的种子网格', 'seed of hotspot {patch}'],
  grown: ['由热点 {patch} 扩展而来', 'grown from hotspot {patch}'],
  filled: ['热点 {patch} 内填补的空洞', 'hole filled in hotspot {patch}'],
  units: ['管控单元', 'Control unit'],
  conflicts: ['空间冲突', 'Conflict'],
  noZoning: ['此成果只有清单网格化结果，没有区划结论。', 'This result is a run; there is no zoning to say anything of the cell.'],
  otherYear: ['区划为 {zoned} 年；{year} 年只显示排放。', 'The zoning is of {zoned}; of {year} only emissions are known.'],
  notListed: ['区划未列出此网格：没有排放物达到热点阈值，也不在任何热点内。', 'The zoning does not list this cell: no species is hot here, and no hotspot holds it.'],
  emissions: ['排放与强度排名（{year} 年）', 'Emissions and ranks, {year}'],
  species: ['排放物', 'Species'],
  amount: ['#排放量 (t/a)', '#Amount (t/yr)'],
  density: ['#密度 (t/km²/a)', '#Density (t/km²/yr)'],
  rank: ['#排名', '#Rank'],
  of: ['{rank} / {ranks}', '{rank} of {ranks}'],
  top: ['前 {share}', 'top {share}'],
  hot: ['热点', 'hot'],
  notHot: ['非热点', 'not hot'],
  threshold: ['热点：按{mode}计前 {share}。强度排名按密度，密度相同则排名相同。', 'Hot: the first {share} by {mode}. Ranks are by density; equal densities share one.'],
  evidence: ['证据', 'Evidence by species'],
  p: ['#p 值', '#p'],
  significant: ['显著', 'significant'],
  notSignificant: ['不显著', 'not significant'],
  member: ['#稳健度', '#Membership'],
  shared: ['#代用', '#Proxies'],
  patternNote: ['排放物下方为多年类型（热点年份的走势）。稳健度：抽样中仍为热点的比例。代用：共用代用指标占比。', 'Below a species: what its hot years look like. Membership: share of the draws in which the cell stays hot. Proxies: share from proxies that species share.'],
  placed: ['定位方式', 'Placed by'],
  sources: ['排放来源', 'Sources behind it'],
  none: ['此网格没有排放。', 'Nothing is emitted here.'],
});
/** Roles of places that name a place, from the nearest. */
const NAMING = ['park', 'township', 'county', 'domain', 'buffer'];

/** The title and content of the page. @param {App} app @param {import('../types.js').Place} place @returns {Promise<{title: string, content: (Node | null)[]}>} */
export async function cellPage(app, place) {
  const { result: id } = app.store.state;
  const [found, result, index] = await Promise.all([pointAt(app, place), app.catalogue.result(id), app.catalogue.tiles(id)]);
  const [colours, conflicts] = await Promise.all([classColours(app, index), Promise.all(found.conflicts.map((/** @type {string} */ c) => conflictOf(app, id, c)))]);
  return {
    title: W('title', { cell: found.cell.cell }),
    content: [
      whereabouts(found), found.cell.valid ? null : notice('plain', W('invalid')),
      zoningPart(app, found, result, colours, conflicts), emissionsPart(found), found.zoned ? evidencePart(found.zoned) : null, sourcesPart(found, result),
    ],
  };
}

/** @param {any} found */
function whereabouts(found) {
  const { cell, places } = found;
  const names = NAMING.flatMap((role) => places.filter((/** @type {any} */ p) => p.role === role)).map((p) => named(p) || p.code);
  const others = places.filter((/** @type {any} */ p) => !NAMING.includes(p.role));
  return h('div', {}, names.length ? h('p', { class: 'pg-place' }, names.join(language() === 'zh' ? ' · ' : ', ')) : null,
    others.map((/** @type {any} */ p) => notice('flag', `${term('role', p.role)}${language() === 'zh' ? '：' : ': '}${named(p) || p.code}`)),
    h('p', { class: 'hint' }, `${degrees(cell.lon, cell.lat)} · ${amount(cell.area_km2)} km² · ${W('row', { row: cell.row, col: cell.col })}`));
}

/** @param {App} app @param {any} found @param {Result} result @param {Record<string, string>} colours @param {any[]} conflicts */
function zoningPart(app, found, result, colours, conflicts) {
  const { zoned } = found;
  const links = facts([
    [W('units'), found.units.map((/** @type {string} */ u) => h('button', { type: 'button', class: 'plain pg-code', 'data-name': `unit-${u}`, onclick: () => app.store.set({ unit: u }) }, u))],
    [W('conflicts'), conflicts.map((c) => conflictLine(app, c))],
  ].filter(([, list]) => /** @type {any[]} */ (list).length) .map((row) => /** @type {[string, any]} */ (row)));
  if (!zoned) {
    const why = result.kind !== 'zoning' ? W('noZoning') : result.years[0] !== found.year ? W('otherYear', { zoned: result.years[0], year: found.year })
      : found.species.some((/** @type {any} */ s) => s.rank > 0) || !hasMass(found) ? W('notListed') : W('outside');
    return section(W('zoning'), h('p', {}, why), links);
  }
  const years = result.manifest.about?.years?.length;
  return section(W('zoning'),
    h('p', { class: 'pg-lead' }, classChip(zoned.class, colours), h('span', {}, term('class_meaning', zoned.class))),
    facts([
      [W('tier'), zoned.tier ? [term('tier', zoned.tier), h('div', { class: 'hint' }, term('tier_meaning', zoned.tier))] : null],
      [W('membership'), zoned.membership === null ? null : `${percent(zoned.membership)}${zoned.robustness ? ` · ${term('robustness', zoned.robustness)}` : ''}`],
      [W('years'), years ? `${zoned.years_hot} / ${years}` : String(zoned.years_hot)],
      [W('proxy'), zoned.proxy_share === null ? null : percent(zoned.proxy_share)],
      [W('hotspot'), zoned.patch < 0 ? null : W(zoned.filled ? 'filled' : zoned.seed ? 'seed' : 'grown', { patch: zoned.patch })],
    ]), links,
    zoned.proxy_share >= limitOf(result) ? notice('flag', W('proxyLed', { share: percent(zoned.proxy_share, 0) })) : null);
}

/** @param {any} found */
function hasMass(found) {
  return found.species.some((/** @type {any} */ s) => s.amount_t > 0);
}

/** @param {any} found */
function emissionsPart(found) {
  const { threshold } = found;
  const title = W('emissions', { year: found.year });
  if (!hasMass(found)) return section(title, h('p', {}, W('none')));
  const rows = found.species.map((/** @type {any} */ s) => [
    [species(s.species), s.hot === null ? '' : h('div', {}, h('span', { class: s.hot ? 'pg-tag hot' : 'pg-tag' }, W(s.hot ? 'hot' : 'notHot')))],
    amount(s.amount_t), amount(s.density_t_km2),
    s.rank ? [W('of', { rank: count(s.rank), ranks: count(s.ranks) }), h('div', { class: 'hint' }, s.share_area === null ? '' : W('top', { share: percent(s.share_area, s.share_area < 0.01 ? 2 : 1) }))] : '–',
  ]);
  return section(title,
    scrolled(title, table([W('species'), W('amount'), W('density'), W('rank')], rows, title)),
    threshold ? h('p', { class: 'hint' }, W('threshold', { mode: term('mode', threshold.mode), share: percent(threshold.share) })) : null);
}

/** @param {any} zoned */
function evidencePart(zoned) {
  const rows = zoned.species.map((/** @type {any} */ s) => [
    [species(s.species), s.pattern && s.pattern !== 'none' ? h('div', { class: 'hint' }, term('pattern', s.pattern)) : ''],
    s.p === null ? '–' : [amount(s.p), h('div', { class: 'hint' }, W(s.significant ? 'significant' : 'notSignificant'))],
    percent(s.membership, 0), percent(s.proxy_share),
  ]);
  const placed = zoned.species.filter((/** @type {any} */ s) => Object.keys(s.tiers).length);
  return section(W('evidence'),
    scrolled(W('evidence'), table([W('species'), W('p'), W('member'), W('shared')], rows, W('evidence'))),
    h('p', { class: 'hint' }, W('patternNote')),
    placed.length ? h('h4', {}, W('placed')) : null,
    h('dl', { class: 'pg-placings' }, placed.flatMap((/** @type {any} */ s) => [h('dt', {}, species(s.species)), h('dd', {}, placing(s.tiers))])));
}

/** @param {any} found @param {Result} result */
function sourcesPart(found, result) {
  if (!hasMass(found)) return null;
  const known = found.species.filter((/** @type {any} */ s) => s.amount_t > 0).map((/** @type {any} */ s) => s.species);
  const sector = (/** @type {string} */ code) => sectorName(result, code);
  const places = Object.fromEntries(found.places.map((/** @type {any} */ p) => [p.code, named(p)]));
  if (found.contributors === null) return section(W('sources'), sourceList(null, sector));
  return section(W('sources'), bySpecies('source', known, known[0], (s) => sourceList(found.contributors[s], sector, { asked: TOP, places })));
}
