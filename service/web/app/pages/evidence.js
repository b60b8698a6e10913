/** What a unit rests on: every step with its numbers, the parts of its score, the ledger, and where it all came from. */

import { h } from '../element.js';
import { language, words } from '../language.js';
import { amount, count, species } from '../numbers.js';
import { facts, folded, later, scrolled, section, table } from './blocks.js';
import { told } from './steps.js';

const W = words({
  evidence: ['证据：逐步说明', 'Evidence, step by step'],
  outcome: ['结论', 'Outcome'],
  score: ['得分的构成', 'Parts of the score'],
  formula: ['得分 = 100 × √(碳 × 污染物) × 类别稳健度 = 100 × √({carbon} × {pollutants}) × {membership} = {score}', 'score = 100 × √(carbon × pollutants) × membership = 100 × √({carbon} × {pollutants}) × {membership} = {score}'],
  percentiles: ['百分位为全部单元中的位置（1 最高）；碳与各污染物取排放量与密度百分位的均值，污染物再按权重平均。', 'Percentiles are places among all units (1 is the highest); amount and density are averaged, pollutants then by weight.'],
  species: ['排放物', 'Species'],
  ofAmount: ['#排放量百分位', '#Amount percentile'],
  ofDensity: ['#密度百分位', '#Density percentile'],
  weight: ['#权重', '#Weight'],
  carbon: ['碳', 'carbon'],
  ledger: ['全区账目', 'Ledger of the region'],
  ledgerNote: ['单元 + 冲突 + 其余 + 区域周边 = 输入，逐项排放物核对（t/a）。', 'Units + conflicts + remainder + around the domain = input, checked species by species (t/yr).'],
  input: ['#输入', '#Input'],
  inUnits: ['#单元', '#Units'],
  inConflicts: ['#冲突', '#Conflicts'],
  remainder: ['#其余', '#Remainder'],
  around: ['#周边', '#Around'],
  closure: ['#闭合差', '#Closure'],
  provenance: ['数据溯源', 'Provenance'],
  run: ['清单网格化', 'Run'],
  inventory: ['清单', 'Inventory'],
  source: ['来源', 'Source'],
  licence: ['许可', 'Licence'],
  zoning: ['区划成果', 'Zoning'],
  rules: ['规则文件 (SHA-256)', 'Rule file (SHA-256)'],
  seed: ['随机种子', 'Random seed'],
  inputs: ['{count} 个输入文件 (SHA-256)', '{count} input files (SHA-256)'],
  madeWith: ['软件版本', 'Versions'],
});

/** @param {Promise<any>} asked */
export function evidencePart(asked) {
  return section(W('evidence'), later(asked, (found) => [
    h('ol', { class: 'pg-steps' }, found.steps.map((/** @type {any} */ s) => step(s))),
    scorePart(found), ledgerPart(found.ledger), provenance(found),
  ]));
}

/** @param {any} s */
function step(s) {
  const { title, lines, outcome } = told(s);
  return h('li', {}, h('details', {}, h('summary', {}, h('b', {}, title), outcome ? h('span', { class: 'pg-outcome' }, ` → ${outcome}`) : null), lines));
}

/** @param {any} found */
function scorePart({ score }) {
  const three = (/** @type {number} */ v) => v.toFixed(3);
  const rows = Object.keys(score.amount_percentile).map((s) => [
    species(s), three(score.amount_percentile[s]), three(score.density_percentile[s]), s in score.weights ? amount(score.weights[s]) : W('carbon'),
  ]);
  return folded(W('score'),
    h('p', {}, W('formula', { carbon: three(score.carbon), pollutants: three(score.pollutants), membership: three(score.membership), score: score.score.toFixed(2) })),
    scrolled(W('score'), table([W('species'), W('ofAmount'), W('ofDensity'), W('weight')], rows, W('score'))),
    h('p', { class: 'hint' }, W('percentiles')));
}

/** @param {any[]} ledger */
function ledgerPart(ledger) {
  const rows = ledger.map((r) => [species(r.species), amount(r.input_t), amount(r.units_t), amount(r.conflicts_t), amount(r.remainder_t), amount(r.around_t), amount(r.closure)]);
  return folded(W('ledger'), h('p', { class: 'hint' }, W('ledgerNote')),
    scrolled(W('ledger'), table([W('species'), W('input'), W('inUnits'), W('inConflicts'), W('remainder'), W('around'), W('closure')], rows, W('ledger'))));
}

/** @param {any} found */
function provenance(found) {
  const { run, zoning, inputs, made_with: made } = found;
  return folded(W('provenance'),
    facts([
      [W('zoning'), [`${zoning.name} `, h('span', { class: 'pg-code' }, zoning.id)]], [W('run'), [`${run.name} `, h('span', { class: 'pg-code' }, run.id)]],
      [W('inventory'), run.inventory], [W('source'), run.source], [W('licence'), run.licence], [W('rules'), h('span', { class: 'pg-hash' }, found.rules_sha256)],
      [W('seed'), String(found.seed)],
      [W('madeWith'), Object.entries(made).map(([name, version]) => `${name} ${version}`).join(language() === 'zh' ? '、' : ', ')],
    ]),
    folded(W('inputs', { count: count(inputs.length) }), h('ul', { class: 'pg-inputs' }, inputs.map((/** @type {any} */ i) => h('li', {}, i.name, h('div', { class: 'pg-hash' }, i.sha256))))));
}

