/** The page of a unit: what it is, what it rests on, what it emits and who does, what may be asked of it. */

import { sectorName } from '../catalogue.js';
import { h } from '../element.js';
import { language, named, words } from '../language.js';
import { classColours } from '../map/canvas.js';
import { amount, count, percent } from '../numbers.js';
import { term } from '../vocabulary.js';
import { accessPart } from './access.js';
import { classChip, facts, later, notice, onDemand, section } from './blocks.js';
import { conflictLine, limitOf } from './conflicts.js';
import { emissionsPart, speciesPart } from './emissions.js';
import { evidencePart } from './evidence.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('../types.js').Result} Result */

const W = words({
  draft: ['草案', 'draft'],
  previous: ['上一名', 'Previous'],
  next: ['下一名', 'Next'],
  walk: ['按排名浏览', 'Go by rank'],
  rankOf: ['第 {rank} 名，共 {count} 个', 'Rank {rank} of {count}'],
  zoom: ['定位到地图', 'Zoom to'],
  rank: ['排名', 'Rank'],
  interval: ['{rank}（5–95 % 区间 {low}–{high}）', '{rank} (5–95 % interval {low}–{high})'],
  score: ['得分', 'Score'],
  jurisdiction: ['行政区', 'Jurisdiction'],
  cross: ['跨界标识', 'Cross-border id'],
  crossNote: ['同一热点跨行政区，各部分使用同一标识。', 'One hotspot in several jurisdictions; its parts share this id.'],
  parts: ['同一热点的其他部分', 'Other parts of the hotspot'],
  show: ['列出', 'List them'],
  area: ['面积', 'Area'],
  cells: ['{area} km²，{cells} 个网格', '{area} km², {cells} cells'],
  hotShare: ['热点面积占比', 'Hot share of the area'],
  tier: ['证据层级', 'Evidence'],
  membership: ['类别稳健度', 'Membership'],
  years: ['达到类别规则的年数', 'Years in which it met its rule'],
  fit: ['边界来源', 'Shape'],
  retained: ['保留热点排放', 'Of the hotspot’s emission kept'],
  inflated: ['面积与热点之比', 'Area in areas of the hotspot'],
  digit: ['草案编码类别位', 'Class digit of the draft’s code'],
  digit2: ['2（重点管控）', '2 (priority control)'],
  digit3: ['3（一般管控）', '3 (general control)'],
  proxy: ['代用指标', 'Proxies'],
  led: ['{share} 的排放由多种排放物共用的代用指标分配，达到上限 {limit}：先核实，再管控。', '{share} of it rests on shared proxies, at or above the limit of {limit}; verify first, then control.'],
  notLed: ['{share} 的排放由多种排放物共用的代用指标分配（上限 {limit}）；其余由点源、线源或各自的数据确定位置。', '{share} of it rests on shared proxies (limit {limit}); the rest was placed by points, lines or data of its own.'],
  unknown: ['共用代用指标的占比未知。', 'What share of it rests on shared proxies is not known.'],
  supply: ['含保供企业：不得自动提出退出类要求。', 'Holds a source that secures supply: no automatic exit advice.'],
  review: ['需人工审核', 'For a person to look at'],
  conflicts: ['空间冲突', 'Conflicts'],
  conflictsNote: ['红线和优先保护单元不被覆盖：本单元热点落在其中的部分在此单列，不属于任何单元。', 'Red lines and priority protection are never overwritten: what of this unit’s hotspot lies inside is listed here and belongs to no unit.'],
  data: ['数据', 'Data'],
  feature: ['OGC API 要素', 'OGC API feature'],
  geojson: ['GeoJSON', 'GeoJSON'],
  evidence: ['下载证据（JSON）', 'Download the evidence (JSON)'],
});

/** The title and content of the page. @param {App} app @param {string} code @returns {Promise<{title: string, content: (Node | null)[]}>} */
export async function unitPage(app, code) {
  const { result: id } = app.store.state;
  const base = `api/results/${id}`;
  const [page, result, index] = await Promise.all([app.service.get(`${base}/units/${code}`), app.catalogue.result(id), app.catalogue.tiles(id)]);
  const { unit } = page;
  const [colours, around] = await Promise.all([classColours(app, index), app.service.get(`${base}/units`, { sort: 'rank', limit: 3, offset: Math.max(0, unit.rank - 2) })]);
  const sector = (/** @type {string} */ s) => sectorName(result, s);
  return {
    title: named(unit) || unit.unit,
    content: [
      head(app, unit, colours), walk(app, around, unit), flags(unit, result), factsOf(app, result, unit),
      emissionsPart(unit, result.years[0]), speciesPart(page, app.store.state.rank, sector),
      page.conflicts.length ? section(W('conflicts'), h('p', { class: 'hint' }, W('conflictsNote')), page.conflicts.map((/** @type {any} */ c) => conflictLine(app, { ...c, bounds: [c.west, c.south, c.east, c.north] }))) : null,
      accessPart(page, sector), evidencePart(app.service.get(`${base}/units/${code}/evidence`)), dataPart(app, id, unit),
      later(app.service.get(`${base}/notes`, { limit: 1000 }), (found) => drafts(found, unit)),
    ],
  };
}

/** @param {App} app @param {any} unit @param {Record<string, string>} colours */
function head(app, unit, colours) {
  return h('div', { class: 'pg-head' },
    h('p', {}, h('span', { class: 'pg-code' }, unit.unit), ' ', h('span', { class: 'pg-tag' }, W('draft'))),
    h('p', { class: 'pg-lead' }, classChip(unit.class, colours), h('span', {}, term('class_meaning', unit.class))),
    h('div', { class: 'row' }, h('button', { type: 'button', 'data-name': 'zoom', disabled: !app.canvas.available, onclick: () => app.canvas.fit(unit.bbox) }, W('zoom'))));
}

/** Buttons to the units before and after by rank. @param {App} app @param {any} around The units next to it by rank. @param {any} unit */
function walk(app, around, unit) {
  const list = /** @type {any[]} */ (around.units);
  const here = list.findIndex((u) => u.unit === unit.unit);
  const button = (/** @type {any} */ to, /** @type {'previous' | 'next'} */ name, /** @type {string} */ sign) =>
    h('button', { type: 'button', 'data-name': name, disabled: !to, title: to ? named(to) : '', 'aria-label': to ? `${W(name)}: ${named(to)}` : W(name), onclick: () => app.store.set({ unit: to.unit, cell: null }) }, sign);
  return h('nav', { class: 'pg-walk', 'aria-label': W('walk') },
    button(here > 0 ? list[here - 1] : null, 'previous', '‹'),
    h('span', {}, W('rankOf', { rank: count(unit.rank), count: count(around.number_matched) })),
    button(here >= 0 ? list[here + 1] : null, 'next', '›'));
}

/** What a reader must not miss. @param {any} unit @param {Result} result */
function flags(unit, result) {
  const limit = percent(limitOf(result), 0);
  const share = percent(unit.proxy_share, unit.proxy_share < 0.1 ? 1 : 0);
  const review = reviewOf(unit);
  return h('div', {},
    unit.supply_security ? notice('stop', W('supply')) : null,
    unit.proxy_share === null ? notice('plain', W('unknown')) : unit.proxy_led ? notice('flag', W('led', { share, limit })) : notice('plain', W('notLed', { share, limit })),
    review ? notice('flag', h('b', {}, W('review')), language() === 'zh' ? '：' : ': ', review) : null);
}

/** Why a person has to look at the shape, in one language. @param {any} unit @returns {string} */
function reviewOf(unit) {
  return named(unit, 'review') === unit.review ? half(unit.review ?? '') : named(unit, 'review');
}

/** The spoken half of "Chinese / English"; names in it may hold the sign as well, as often in either half. @param {string} both */
function half(both) {
  const parts = both.split(' / ');
  if (parts.length % 2) return both;
  return (language() === 'zh' ? parts.slice(0, parts.length / 2) : parts.slice(parts.length / 2)).join(' / ');
}

/** @param {App} app @param {Result} result @param {any} unit */
function factsOf(app, result, unit) {
  const years = result.manifest.about?.years?.length;
  const fitted = unit.fit !== 'overlay';
  const fitCodes = unit.fit_codes ? h('span', { class: 'pg-code' }, ` ${unit.fit_codes}`) : '';
  return facts([
    [W('rank'), W('interval', { rank: count(unit.rank), low: count(unit.rank_low), high: count(unit.rank_high) })],
    [W('score'), amount(unit.score)],
    [W('tier'), unit.tier ? [term('tier', unit.tier), h('div', { class: 'hint' }, term('tier_meaning', unit.tier))] : null],
    [W('membership'), unit.membership === null ? null : `${percent(unit.membership)}${unit.robustness ? ` · ${term('robustness', unit.robustness)}` : ''}`],
    [W('years'), unit.years_hot === null ? null : `${amount(Number(unit.years_hot.toFixed(1)))}${years ? ` / ${years}` : ''}`],
    [W('jurisdiction'), unit.jurisdiction ? [named(unit, 'jurisdiction'), ' ', h('span', { class: 'pg-code' }, unit.jurisdiction)] : null],
    [W('area'), W('cells', { area: amount(unit.area_km2), cells: count(unit.cells) })],
    [W('hotShare'), unit.hot_share !== null && unit.hot_share < 0.9995 ? percent(unit.hot_share) : null],
    [W('fit'), [term('fit', unit.fit), fitCodes]],
    [W('retained'), fitted && unit.retained !== null ? percent(unit.retained) : null],
    [W('inflated'), fitted && unit.inflated !== null ? amount(Number(unit.inflated.toFixed(2))) : null],
    [W('digit'), unit.digit === 2 ? W('digit2') : unit.digit === 3 ? W('digit3') : String(unit.digit)],
    [W('cross'), unit.cross_id ? [h('span', { class: 'pg-code' }, unit.cross_id), h('div', { class: 'hint' }, W('crossNote'))] : null],
    [W('parts'), unit.cross_id ? onDemand(W('show'), () => partsOf(app, result.id, unit)) : null],
  ]);
}

/** Links to the other parts of a hotspot that a border cut. @param {App} app @param {string} id @param {any} unit */
async function partsOf(app, id, unit) {
  const query = { f: 'json', cross_id: unit.cross_id, properties: 'unit', limit: 1000 };
  const found = await app.service.get(`ogc/collections/${id}.units/items`, query);
  const others = found.features.map((/** @type {any} */ f) => f.properties.unit).filter((/** @type {string} */ u) => u !== unit.unit);
  return h('div', { class: 'pg-codes' }, others.map((/** @type {string} */ u) => h('button', { type: 'button', class: 'plain pg-code', onclick: () => app.store.set({ unit: u, cell: null }) }, u)));
}

/** @param {App} app @param {string} id @param {any} unit */
function dataPart(app, id, unit) {
  const { service, frame } = app;
  const feature = service.address(`ogc/collections/${id}.units/items/${unit.unit}`, { f: 'html' });
  const save = (/** @type {string} */ path, /** @type {Record<string, string>} */ query, /** @type {string} */ name) =>
    service.save(service.address(path, query), name).catch((error) => frame.say(String(error.message), true));
  return section(W('data'), h('div', { class: 'row' },
    h('a', { href: feature, target: '_blank', rel: 'noopener' }, W('feature')),
    h('button', { type: 'button', onclick: () => save(`ogc/collections/${id}.units/items/${unit.unit}`, { f: 'json' }, `${unit.unit}.geojson`) }, W('geojson')),
    h('button', { type: 'button', onclick: () => save(`api/results/${id}/units/${unit.unit}/evidence`, {}, `${id}-${unit.unit}-evidence.json`) }, W('evidence'))));
}

/** What the zoning itself says of drafts, and of carbon where it is about carbon alone. @param {any} found @param {any} unit */
function drafts(found, unit) {
  const topics = unit.class === 'carbon_only' ? ['draft', 'carbon'] : ['draft'];
  return found.rows.filter((/** @type {any} */ n) => topics.includes(n.topic)).map((/** @type {any} */ n) => notice('plain', named(n, 'text')));
}
