/** The draft of the access list of a unit, in its four parts: advice, why it is given, and on which legal basis. */

import { h } from '../element.js';
import { language, named, words } from '../language.js';
import { codes, isTerm, term } from '../vocabulary.js';
import { facts, folded, section } from './blocks.js';
import { condition } from './conditions.js';

const W = words({
  access: ['准入清单（草案）', 'Access list (draft)'],
  note: ['由规则文件按下列条件自动起草，供编制清单的人员使用，不是法律意见。', 'Drafted by a rule file under the conditions below, for those who write the list; no legal advice.'],
  noRule: ['没有适用的规则。', 'No rule applies.'],
  noPlace: ['不适用：仅碳热点不是提出空间要求的依据。', 'None: carbon alone is no ground for an order about a place.'],
  blocked: ['暂缓', 'on hold'],
  why: ['触发条件', 'Because'],
  industry: ['所属行业', 'Industry'],
  basis: ['依据', 'Legal basis'],
  rule: ['规则', 'Rule'],
  details: ['条件与依据', 'Condition and legal basis'],
  held: ['，{count} 条暂缓', ', {count} on hold'],
  count: ['{count} 条', '{count} rules'],
  one: ['1 条', '1 rule'],
  zero: ['无', 'none'],
});

/** @param {any} page @param {(sector: string) => string} sectorName */
export function accessPart(page, sectorName) {
  const others = [...new Set(page.access.map((/** @type {any} */ r) => r.part))].filter((p) => !isTerm('part', /** @type {string} */ (p)));
  const parts = /** @type {string[]} */ ([...codes('part'), ...others]);
  return section(W('access'), h('p', { class: 'hint' }, W('note')), parts.map((part) => {
    const rules = page.access.filter((/** @type {any} */ r) => r.part === part);
    return folded([h('b', {}, term('part', part)), ' ', h('span', { class: 'hint' }, counted(rules))], listed(rules, part, page.unit, sectorName));
  }));
}

/** @param {any[]} rules */
function counted(rules) {
  const held = rules.filter((r) => r.blocked).length;
  const how = rules.length > 1 ? W('count', { count: rules.length }) : W(rules.length ? 'one' : 'zero');
  return how + (held ? W('held', { count: held }) : '');
}

/** @param {any[]} rules @param {string} part @param {any} unit @param {(sector: string) => string} sectorName */
function listed(rules, part, unit, sectorName) {
  if (!rules.length) return h('p', { class: 'hint' }, W(part === 'spatial' && unit.class === 'carbon_only' ? 'noPlace' : 'noRule'));
  return h('ul', { class: 'pg-rules' }, rules.map((r) => h('li', {},
    h('p', {}, r.blocked ? h('span', { class: 'pg-tag hold' }, W('blocked')) : null, r.blocked ? ' ' : '', named(r, 'advice')),
    h('details', {}, h('summary', {}, W('details')), facts([
      [W('why'), condition(r.condition, sectorName)],
      [W('industry'), r.industry ? r.industry.split('; ').map(sectorName).join(language() === 'zh' ? '、' : ', ') : null],
      [W('basis'), r.legal_basis ? h('ul', { class: 'pg-acts' }, acts(r).map((a) => h('li', {}, a))) : null],
      [W('rule'), h('span', { class: 'pg-code' }, r.rule)],
    ])))));
}

/** @param {any} rule @returns {string[]} */
function acts(rule) {
  return named(rule, 'legal_basis').split('; ').filter(Boolean);
}
