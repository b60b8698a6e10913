/** The steps of the way to a unit, told in words: the service gives each step's name, numbers and outcome. */

import { h } from '../element.js';
import { named, words } from '../language.js';
import { amount, count, percent, species } from '../numbers.js';
import { term } from '../vocabulary.js';
import { table } from './blocks.js';

/** @typedef {{title: string, lines: (Node | null)[], outcome: string}} Told */

const W = words({
  hot_sets: ['各排放物的热点网格', 'Hot cells of each species'],
  class: ['类别', 'Class'],
  size: ['规模', 'Size'],
  shape: ['边界', 'Shape'],
  tier: ['局地聚集检验', 'Local clustering'],
  robustness: ['清单不确定性', 'Uncertainty of the inventory'],
  proxy: ['代用指标', 'Proxies'],
  score: ['得分与排名', 'Score and rank'],
  access: ['准入清单', 'Access list'],
  hotLine: ['每种排放物按{order}从高到低取网格，直到累计{mode}占全区 {q}；向外扩展时放宽到 {low}。', 'Of each species the cells with the highest {order}, until they hold {q} of the region’s {mode}; growing goes on to {low}.'],
  density: ['密度', 'density'],
  ofAmount: ['排放量', 'amount'],
  species: ['排放物', 'Species'],
  cells: ['#网格', '#Cells'],
  area: ['#面积占比', '#Of the area'],
  mass: ['#排放占比', '#Of the mass'],
  threshold: ['#阈值 (t/km²/a)', '#Threshold (t/km²/yr)'],
  thresholdT: ['#阈值 (t/a)', '#Threshold (t/yr)'],
  classLine: ['热点有 {seeds} 个种子网格，扩展 {grown} 个，填补空洞 {filled} 个。种子网格同为以下排放物的热点（协同管控需碳与至少 {least} 种污染物）：', 'The hotspot has {seeds} seed cells, {grown} more that it grew over, {filled} holes filled. Its seeds are hot for (co-control asks for carbon and {least} pollutants at least):'],
  seeds: ['{species}：{count} 个网格', '{species}: {count} cells'],
  sizeLine: ['热点 {patch}：{cells} 个网格，{area} km²。要求不少于 {least} 个网格，或占全区碳或任一污染物不少于 {share}；不大于 {hole} 个网格的空洞被填补。', 'Hotspot {patch}: {cells} cells, {area} km². Asked for: {least} cells, or {share} of the region’s carbon or of a pollutant; holes of up to {hole} cells are filled.'],
  sizeShares: ['占全区：{shares}。', 'Of the region: {shares}.'],
  shapeAsk: ['园区或乡镇的边界在保留热点排放不少于 {retained}、面积不超过热点 {inflated} 倍时采用；依次尝试：{to}。', 'A park’s or township’s border is taken if it keeps {retained} of the hotspot’s emission and is no more than {inflated} times its area; tried in turn: {to}.'],
  shapeIs: ['本单元保留 {retained}，面积为热点的 {inflated} 倍；{area} km²，其中热点占 {hot}。', 'This one keeps {retained} and is {inflated} times the hotspot’s area; {area} km², of which {hot} are hot.'],
  codes: ['采用：{codes}。', 'Taken: {codes}.'],
  tierLine: ['Getis-Ord Gi*（{neighbours}邻域，{draws} 次抽样，{control}，α = {alpha}）。种子网格：{tiers}。', 'Getis-Ord Gi* ({neighbours} neighbours, {draws} draws, {control}, α = {alpha}). Seed cells: {tiers}.'],
  queen: ['边角相邻', 'queen'],
  rook: ['边相邻', 'rook'],
  band: ['距离带', 'distance-band'],
  noTier: ['均不显著', 'none significant'],
  robustLine: ['清单按其不确定性重抽 {draws} 次（种子 {seed}），{share} 的抽样中仍为该类。稳健：不低于 {core}；不确定：不低于 {uncertain}；更低为薄弱。', 'The inventory was redrawn {draws} times within its uncertainty (seed {seed}); in {share} of the draws it stays of its class. Robust from {core}, uncertain from {uncertain}, weak below.'],
  noDraws: ['未做蒙特卡洛抽样，没有类别稳健度。', 'No draws were made; there is no membership.'],
  proxyLine: ['{share} 的排放由多种排放物共用的代用指标分配；达到 {limit} 即为代用主导。达到类别规则的年数：{years}。', '{share} of it rests on proxies that species share; from {limit} on a unit is proxy-led. Years in which it met its rule: {years}.'],
  notLed: ['不是代用主导', 'not proxy-led'],
  led: ['代用主导', 'proxy-led'],
  scoreLine: ['得分 {score}，排名 {rank}；在清单抽样与权重变化下，排名的 5–95 % 区间为 {low}–{high}。', 'Score {score}, rank {rank}; over draws of the inventory and weights its rank lies between {low} and {high} (5–95 %).'],
  rank: ['第 {rank} 名', 'rank {rank}'],
  accessLine: ['触发 {count} 条规则，其中 {held} 条暂缓。条文与条件见上方准入清单。', '{count} rules fired, {held} of them on hold. The access list above has their text and conditions.'],
  rules: ['{count} 条规则', '{count} rules'],
  list: ['、', ', '],
});

/** Each step's lines and outcome. @type {Record<string, (values: any, step: any) => {lines: (Node | null)[], outcome: string}>} */
const STEPS = {
  hot_sets: (v) => ({
    lines: [line(W('hotLine', { order: W(v.mode === 'count' ? 'ofAmount' : 'density'), mode: term('mode', v.mode), q: percent(v.q), low: percent(v.q_low) })), cuts(v.cuts, W(v.mode === 'count' ? 'thresholdT' : 'threshold'))], outcome: '',
  }),
  class: (v, s) => ({
    lines: [
      line(W('classLine', { seeds: count(v.seeds), grown: count(v.grown), filled: count(v.filled), least: v.min_pollutants })),
      h('ul', { class: 'pg-list' }, Object.entries(v.seeds_by_species).map(([codes, n]) => h('li', {}, W('seeds', { species: codes.split('+').filter(Boolean).map(species).join(' + ') || '–', count: count(/** @type {number} */ (n)) })))),
    ], outcome: term('class', s.outcome),
  }),
  size: (v, s) => ({
    lines: [
      line(W('sizeLine', { patch: v.patch, cells: count(v.cells), area: amount(v.area_km2), least: v.min_cells, share: percent(v.min_share), hole: v.hole_cells })),
      line(W('sizeShares', { shares: Object.entries(v.shares).map(([code, share]) => `${species(code)} ${percent(/** @type {number} */ (share), 2)}`).join(W('list')) })),
    ], outcome: term('reason', s.outcome),
  }),
  shape: (v, s) => ({
    lines: [
      line(W('shapeAsk', { retained: percent(v.parameters.retained, 0), inflated: v.parameters.inflated, to: v.parameters.to.map((/** @type {string} */ role) => term('role', role)).join(W('list')) || '–' })),
      line(W('shapeIs', { retained: percent(v.retained), inflated: amount(v.inflated), area: amount(v.area_km2), hot: percent(v.hot_share) })),
      v.fit_codes ? line(W('codes', { codes: v.fit_codes })) : null,
    ], outcome: term('fit', s.outcome),
  }),
  tier: (v, s) => ({
    lines: [line(W('tierLine', {
      neighbours: v.neighbours in { queen: 1, rook: 1, band: 1 } ? W(v.neighbours) : v.neighbours, draws: count(v.draws), control: String(v.control).toUpperCase(), alpha: v.alpha,
      tiers: Object.entries(v.seeds_by_tier).filter(([tier]) => tier).map(([tier, n]) => `${term('tier', tier)} ${count(/** @type {number} */ (n))}`).join(W('list')) || W('noTier'),
    }))], outcome: s.outcome ? term('tier', s.outcome) : '',
  }),
  robustness: (v, s) => ({
    lines: [line(v.membership === null ? W('noDraws') : W('robustLine', { draws: count(v.draws), seed: v.seed, share: percent(v.membership), core: percent(v.core, 0), uncertain: percent(v.uncertain, 0) }))],
    outcome: s.outcome ? term('robustness', s.outcome) : '',
  }),
  proxy: (v, s) => ({ lines: [line(W('proxyLine', { share: percent(v.proxy_share), limit: percent(v.limit, 0), years: v.years_hot === null ? '–' : amount(v.years_hot) }))], outcome: W(s.outcome ? 'led' : 'notLed') }),
  score: (v) => ({ lines: [line(W('scoreLine', { score: v.score.toFixed(2), rank: count(v.rank), low: count(v.rank_low), high: count(v.rank_high) }))], outcome: W('rank', { rank: count(v.rank) }) }),
  access: (v) => ({ lines: [line(W('accessLine', { count: v.rules.length, held: v.rules.filter((/** @type {any} */ r) => r.blocked).length }))], outcome: W('rules', { count: v.rules.length }) }),
};

/** A step in words; one that this page does not know in the service's own. @param {any} step @returns {Told} */
export function told(step) {
  if (!Object.hasOwn(STEPS, step.step)) {
    return { title: named(step, 'text'), lines: [h('pre', { class: 'pg-values' }, JSON.stringify(step.values, null, 1))], outcome: String(step.outcome ?? '') };
  }
  return { title: W(/** @type {any} */ (step.step)), ...STEPS[step.step](step.values, step) };
}

/** @param {string} text */
function line(text) {
  return h('p', {}, text);
}

/** @param {Record<string, any>} found @param {string} threshold */
function cuts(found, threshold) {
  const rows = Object.entries(found).map(([code, c]) => [species(code), count(c.cells), percent(c.share_area), percent(c.share_mass), amount(c.threshold)]);
  return table([W('species'), W('cells'), W('area'), W('mass'), threshold], rows, W('hot_sets'));
}

