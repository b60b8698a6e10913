/** What the codes of tables and answers mean, in the words of the review report. */

import { language } from './language.js';

/**
 * Kinds of codes, each from a code to [中文, English].
 * @satisfies {Record<string, Record<string, [string, string]>>}
 */
const TERMS = {
  class: {
    co_control: ['协同管控', 'co-control'],
    pollution_only: ['仅污染物', 'pollution only'],
    carbon_only: ['仅碳', 'carbon only'],
    watch: ['关注', 'watch'],
    none: ['无', 'none'],
  },
  class_meaning: {
    co_control: ['碳与多种污染物同为热点：减污与降碳须一并考虑。', 'Carbon and several pollutants are hot: measures for both belong together.'],
    pollution_only: ['多种污染物为热点而碳不是：以污染治理为主。', 'Several pollutants are hot and carbon is not: control of pollution.'],
    carbon_only: ['仅碳为热点：列出以供了解，不构成针对本地点的管控要求；一吨二氧化碳无论在何处排放，对气候的影响相同。', 'Carbon alone is hot: listed for information, no order about the place; a tonne of CO₂ counts the same anywhere.'],
    watch: ['碳为热点，为热点的污染物不足：继续观察。', 'Carbon is hot, with fewer pollutants than the rule asks for: to be watched.'],
    none: ['不属于任何类别。', 'Of no class.'],
  },
  tier: {
    clustered_core: ['集聚核心', 'clustered core'],
    isolated_core: ['孤立核心', 'isolated core'],
    fringe: ['边缘', 'fringe'],
    proxy_led: ['代用主导', 'proxy-led'],
  },
  tier_meaning: {
    clustered_core: ['热点网格，且高值在此显著集聚（Getis-Ord Gi*）。', 'Hot, and high values cluster here significantly (Getis-Ord Gi*).'],
    isolated_core: ['热点网格，周边不高：通常是单个大源。', 'Hot and alone: usually one large source.'],
    fringe: ['显著集聚但未达热点阈值，不作为核心。', 'Significantly clustered but not hot; never a core.'],
    proxy_led: ['以共用代用指标为主：先核实，再管控。', 'Rests mainly on shared proxies: verify first, then control.'],
  },
  robustness: {
    core: ['稳健', 'robust'],
    uncertain: ['不确定', 'uncertain'],
    weak: ['薄弱', 'weak'],
  },
  fit: {
    park: ['以园区边界为界', 'park'],
    township: ['以乡镇边界为界', 'township'],
    overlay: ['热点轮廓', 'outline of the hotspot'],
  },
  conflict: {
    red_line: ['生态保护红线', 'red line'],
    priority: ['优先保护单元', 'priority protection'],
  },
  mass: {
    point: ['点', 'point'],
    line: ['线', 'line'],
    surrogate: ['代用指标', 'surrogate'],
    uniform: ['均匀', 'uniform'],
  },
  role: {
    domain: ['区域', 'domain'],
    county: ['县级', 'county'],
    township: ['乡镇', 'township'],
    park: ['园区', 'park'],
    red_line: ['生态保护红线', 'red line'],
    priority: ['优先保护单元', 'priority protection'],
    buffer: ['外围缓冲', 'buffer'],
  },
  pattern: {
    none: ['无', 'none'],
    new: ['新增', 'new'],
    consecutive: ['连续', 'consecutive'],
    persistent: ['持续', 'persistent'],
    intensifying: ['增强', 'intensifying'],
    diminishing: ['减弱', 'diminishing'],
    sporadic: ['零星', 'sporadic'],
    oscillating: ['振荡', 'oscillating'],
    historical: ['历史', 'historical'],
  },
  part: {
    spatial: ['空间布局约束', 'Spatial constraints'],
    emission: ['污染物排放管控', 'Emission control'],
    risk: ['环境风险防控', 'Environmental risk'],
    resource: ['资源开发效率要求', 'Resource efficiency'],
  },
  relation: {
    same: ['不变', 'same'],
    changed: ['有变化', 'changed'],
    split: ['拆分', 'split'],
    merge: ['合并', 'merged'],
    rearranged: ['重组', 'rearranged'],
    entered: ['新增', 'entered'],
    left: ['退出', 'left'],
  },
  change: {
    entered: ['新增', 'entered'],
    left: ['退出', 'left'],
    changed: ['类别变化', 'class changed'],
  },
  event: {
    continued: ['延续', 'continued'],
    born: ['新出现', 'born'],
    branched: ['分出', 'branched'],
    absorbed: ['并入', 'absorbed'],
    ended: ['消失', 'ended'],
  },
  mode: {
    area: ['面积', 'area'],
    count: ['网格数', 'count'],
    mass: ['排放量', 'mass'],
  },
  reason: {
    cells: ['网格数达到要求', 'large enough in cells'],
    share: ['排放占比达到要求', 'large enough in emission'],
    small: ['规模过小', 'too small'],
  },
  severity: {
    warning: ['注意', 'Warning'],
    note: ['说明', 'Note'],
  },
  condition: {
    proxy_led: ['代用主导', 'proxy-led'],
    supply_security: ['含保供企业', 'secures supply'],
    conflict: ['与红线或优先保护单元冲突', 'conflict with a red line or priority protection'],
    cross_jurisdiction: ['跨行政区', 'crosses a border of jurisdictions'],
    review: ['边界需人工审核', 'shape for a person to look at'],
  },
};

/** @typedef {keyof typeof TERMS} Kind */

/**
 * What a code means; the code itself where it is not known, a dash where there is none.
 * @param {Kind} kind @param {string | null | undefined} code
 * @returns {string}
 */
export function term(kind, code) {
  if (!code) return '–';
  const known = isTerm(kind, code) ? /** @type {Record<string, [string, string]>} */ (TERMS[kind])[code] : undefined;
  return known ? known[language() === 'zh' ? 0 : 1] : code;
}

/** Whether a code of a kind is known. @param {Kind} kind @param {string} code */
export function isTerm(kind, code) {
  return Object.hasOwn(TERMS[kind], code);
}

/** The codes of a kind in their order. @param {Kind} kind @returns {string[]} */
export function codes(kind) {
  return Object.keys(TERMS[kind]);
}
