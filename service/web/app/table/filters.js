/** Filters of the table of units: a field for each, closed until wanted. */

import { fill, h } from '../element.js';
import { named, words } from '../language.js';
import { count } from '../numbers.js';
import { codes, term } from '../vocabulary.js';
import { FILTERS, filtered } from './query.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('./query.js').UnitQuery} UnitQuery */

const W = words({
  filter: ['筛选', 'Filter'],
  filterSet: ['筛选（{n} 项）', 'Filter ({n} set)'],
  clear: ['清除筛选', 'Clear the filters'],
  all: ['全部', 'all'],
  class: ['类别', 'Class'],
  tier: ['证据层级', 'Tier of evidence'],
  robustness: ['稳健性', 'Robustness'],
  jurisdiction: ['区县', 'County'],
  proxy_led: ['代用主导', 'Proxy-led'],
  true: ['是', 'yes'],
  false: ['否', 'no'],
});

/**
 * The filters; they follow the query.
 * @param {App} app @param {() => UnitQuery} query @param {(change: Partial<UnitQuery>) => void} ask
 * @returns {{element: HTMLElement, follow: () => void}}
 */
export function unitFilters(app, query, ask) {
  const summary = h('summary', {});
  const choices = {
    class: codes('class').filter((c) => c !== 'none'), tier: codes('tier'), robustness: codes('robustness'), jurisdiction: /** @type {string[]} */ ([]), proxy_led: ['true', 'false'],
  };
  const fields = Object.fromEntries(FILTERS.map((name) => [name, h('select', { 'data-name': `filter-${name}`, onchange: (/** @type {any} */ e) => ask({ [name]: e.target.value }) })]));
  const text = (/** @type {typeof FILTERS[number]} */ name, /** @type {string} */ code) =>
    name === 'proxy_led' ? W(code === 'true' ? 'true' : 'false') : name === 'jurisdiction' ? code : term(name, code);
  for (const name of FILTERS) options(fields[name], choices[name].map((code) => [code, text(name, code)]), query()[name]);
  const clear = h('button', { type: 'button', onclick: () => ask(Object.fromEntries(FILTERS.map((name) => [name, '']))) }, W('clear'));
  let asked = false;
  const counties = async () => {
    if (asked) return;
    asked = true;
    const found = await countiesOf(app).catch(() => { asked = false; return []; });
    options(fields.jurisdiction, found, query().jurisdiction);
  };
  const element = h('details', { class: 'units-filters', open: filtered(query()) > 0, ontoggle: () => { if (element.open) void counties(); } }, summary,
    h('div', { class: 'units-fields' }, FILTERS.map((name) => h('label', { class: 'field' }, h('span', {}, W(name)), fields[name])), clear));
  const follow = () => {
    const set = filtered(query());
    summary.textContent = set ? W('filterSet', { n: set }) : W('filter');
    clear.hidden = !set;
    for (const name of FILTERS) if (fields[name].value !== query()[name]) options(fields[name], known(fields[name]), query()[name]);
  };
  follow();
  if (element.open) void counties();
  return { element, follow };
}

/** @param {HTMLSelectElement} select @param {[string, string][]} choices @param {string} value */
function options(select, choices, value) {
  const given = value && !choices.some(([code]) => code === value) ? [...choices, /** @type {[string, string]} */ ([value, value])] : choices;
  fill(select, h('option', { value: '' }, W('all')), given.map(([code, name]) => h('option', { value: code }, name)));
  select.value = value;
}

/** @param {HTMLSelectElement} select @returns {[string, string][]} */
function known(select) {
  return [...select.options].filter((o) => o.value).map((o) => [o.value, o.text]);
}

/** Counties that have units, by code: the name, and how many. @param {App} app @returns {Promise<[string, string][]>} */
async function countiesOf(app) {
  const { jurisdictions } = await app.service.get(`api/results/${app.store.state.result}/jurisdictions`);
  return jurisdictions.filter((/** @type {any} */ j) => j.code).map((/** @type {any} */ j) => [j.code, `${named(j) || j.code} (${count(j.units)})`]);
}
