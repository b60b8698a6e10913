/** Conditions of the access list in words: the service writes them as `class = co_control; steel: focus, nox 0.98; blocked: proxy_led`. */

import { language, words } from '../language.js';
import { percent, species } from '../numbers.js';
import { isTerm, term } from '../vocabulary.js';

const W = words({
  colon: ['：', ': '],
  list: ['、', ', '],
  facts: ['；', '; '],
  class: ['类别', 'class'],
  tier: ['证据层级', 'evidence'],
  robustness: ['稳健性', 'robustness'],
  fit: ['边界来源', 'shape'],
  years_hot: ['达到类别规则的年数', 'years in which it met its rule'],
  not: ['非', 'not '],
  region: ['占全区', 'of the region'],
  industry: ['所属行业', 'industry'],
  focus: ['重点行业', 'what the unit is about'],
  notFocus: ['非重点行业', 'not what the unit is about'],
  quotient: ['区位商', 'quotient'],
  blocked: ['暂缓', 'on hold'],
  supply: ['保供企业', 'security of supply'],
  proxy: ['代用主导', 'proxy-led'],
});
const PLAIN = /^(class|tier|robustness|fit|years_hot) = (.*)$/s;
const SHARE = /^(?:(quotient) )?([a-z][a-z0-9_]*) ([0-9.e+-]+)$/;
const BLOCKED = /(?:^|; )blocked: /;

/**
 * Why a rule holds, in words.
 * @param {string} text @param {(sector: string) => string} sectorName Gives a code that is no sector back as it is.
 */
export function condition(text, sectorName) {
  const found = BLOCKED.exec(text);
  const facts = (found ? text.slice(0, found.index) : text).split('; ').filter(Boolean);
  const words = facts.map((fact) => told(fact, sectorName));
  if (found) words.push(W('blocked') + W('colon') + onHold(text.slice(found.index).replace(/^; /, '')));
  return words.join(W('facts'));
}

/** What puts advice on hold. Names of sources may hold any sign, so they are taken as they stand. @param {string} text */
function onHold(text) {
  const supply = /^blocked: supply_security(?: \((.*?)\))?(?=$|; blocked: proxy_led$)/s.exec(text);
  const reasons = [];
  if (supply) reasons.push(W('supply') + (supply[1] ? (language() === 'zh' ? `（${supply[1]}）` : ` (${supply[1]})`) : ''));
  if (/(?:^|; )blocked: proxy_led$/.test(text)) reasons.push(W('proxy'));
  return reasons.length ? reasons.join(W('list')) : text.replace(/^blocked: /, '');
}

/** @param {string} fact @param {(sector: string) => string} sectorName */
function told(fact, sectorName) {
  const plain = PLAIN.exec(fact);
  if (plain) return W(/** @type {any} */ (plain[1])) + W('colon') + (plain[1] === 'years_hot' ? plain[2] : term(/** @type {any} */ (plain[1]), plain[2]));
  const key = fact.replace(/^not /, '');
  if (isTerm('condition', key)) return (key === fact ? '' : W('not')) + term('condition', key);
  const [head, ...rest] = fact.split(': ');
  const tail = rest.join(': ');
  if (head === 'share of region') return W('region') + W('colon') + limits(tail);
  if (head === 'industry') return W('industry') + W('colon') + tail;
  const name = sectorName(head);
  return name === head && !tail ? fact : name + (tail ? W('colon') + limits(tail) : '');
}

/** Shares and quotients of a fact, and whether its sector is one that the unit is about. @param {string} text */
function limits(text) {
  return text.split(', ').map((part) => {
    if (part === 'focus') return W('focus');
    if (part === 'not focus') return W('notFocus');
    const found = SHARE.exec(part);
    if (!found) return part;
    return found[1] ? `${W('quotient')} ${species(found[2])} ${found[3]}` : `${species(found[2])} ${percent(Number(found[3]))}`;
  }).join(W('list'));
}
