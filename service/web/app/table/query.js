/** What a table of units is asked for: its text in the address, and its parameters for the service. */

/**
 * @typedef {object} UnitQuery
 * @property {string} search
 * @property {string} class
 * @property {string} tier
 * @property {string} robustness
 * @property {string} jurisdiction
 * @property {string} proxy_led `true`, `false`, or empty for both.
 * @property {string} sort Column, with a minus before it for descending.
 */

/** What units can be filtered by. */
export const FILTERS = /** @type {const} */ (['class', 'tier', 'robustness', 'jurisdiction', 'proxy_led']);
const NAMES = /** @type {const} */ (['search', ...FILTERS, 'sort']);
const CODE = /^-?[A-Za-z0-9_.-]{0,60}$/;
const LONGEST = 100;

/** A query as it stands in the state; what is no query is left out. @param {string} text @returns {UnitQuery} */
export function read(text) {
  const given = new URLSearchParams(text);
  const code = (/** @type {string} */ name) => { const value = given.get(name) ?? ''; return CODE.test(value) ? value : ''; };
  return {
    search: (given.get('search') ?? '').slice(0, LONGEST), class: code('class'), tier: code('tier'), robustness: code('robustness'),
    jurisdiction: code('jurisdiction'), proxy_led: /^(true|false)$/.test(code('proxy_led')) ? code('proxy_led') : '', sort: code('sort') || 'rank',
  };
}

/** @param {UnitQuery} query @returns {string} */
export function write(query) {
  const out = new URLSearchParams();
  for (const name of NAMES) if (query[name] && query[name] !== (name === 'sort' ? 'rank' : '')) out.set(name, query[name]);
  return out.toString();
}

/** Parameters of `GET /api/results/{id}/units`. @param {UnitQuery} query @returns {Record<string, string>} */
export function parameters(query) {
  return Object.fromEntries(NAMES.filter((name) => query[name]).map((name) => [name, name === 'search' ? query.search.trim() : query[name]]));
}

/** How many filters are set. @param {UnitQuery} query */
export function filtered(query) {
  return FILTERS.filter((name) => query[name]).length;
}
