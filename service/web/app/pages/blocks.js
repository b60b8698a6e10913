/** What pages are made of: facts, notices, bars, sections that follow a chosen species. */

import { chips } from '../chips.js';
import { fill, h } from '../element.js';
import { words } from '../language.js';
import { percent, species } from '../numbers.js';
import { term } from '../vocabulary.js';

/** @typedef {import('../element.js').Child} Child */

const W = words({
  species: ['排放物', 'Species'],
  loading: ['载入中…', 'Loading…'],
});
/** Tiers of mass in the order of trust, each with its colour. @type {Record<string, string>} */
const MASS = { point: 'var(--series-1)', line: 'var(--series-3)', surrogate: 'var(--series-2)', uniform: 'var(--series-6)' };
/** The species that was looked at last, on whichever page. */
let looked = '';

/** A section under its own heading. @param {string} title @param {...(Child | Child[])} children */
export function section(title, ...children) {
  return h('section', { class: 'pg-section' }, h('h3', {}, title), ...children);
}

/** What is folded away at first. @param {Child | Child[]} title @param {...(Child | Child[])} children */
export function folded(title, ...children) {
  return h('details', { class: 'pg-folded' }, h('summary', {}, title), ...children);
}

/** Facts beside their names; those that are not known are left out. @param {[string, Child | Child[]][]} rows */
export function facts(rows) {
  const known = rows.filter(([, value]) => value !== null && value !== undefined && value !== false && value !== '');
  return h('dl', { class: 'pg-facts' }, known.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
}

/** A sentence that has to be seen. @param {'flag' | 'stop' | 'plain'} kind @param {...(Child | Child[])} children */
export function notice(kind, ...children) {
  return h('p', { class: `pg-notice pg-${kind}` }, ...children);
}

/** A class with its colour. @param {string} code @param {Record<string, string>} colours */
export function classChip(code, colours) {
  return h('span', { class: 'pg-class' }, colours[code] ? h('span', { class: 'swatch', style: { 'background-color': colours[code] } }) : null, term('class', code));
}

/** A share as a bar, beside its number in the text. @param {number | null | undefined} share */
export function bar(share) {
  return h('span', { class: 'pg-bar', 'aria-hidden': 'true' }, h('span', { style: { width: `${(Math.min(Math.max(share ?? 0, 0), 1) * 100).toFixed(2)}%` } }));
}

/** How mass was placed: one bar of parts and the parts in words. @param {Record<string, number>} shares By tier of mass. */
export function placing(shares) {
  const parts = Object.keys(MASS).filter((tier) => shares[tier] > 0);
  return h('div', { class: 'pg-placing' },
    h('span', { class: 'pg-stack', 'aria-hidden': 'true' }, parts.map((tier) => h('span', { style: { width: `${(shares[tier] * 100).toFixed(2)}%`, 'background-color': MASS[tier] } }))),
    h('span', { class: 'pg-parts' }, parts.map((tier) => h('span', {}, h('span', { class: 'pg-dot', 'aria-hidden': 'true', style: { 'background-color': MASS[tier] } }), `${term('mass', tier)} ${percent(shares[tier])}`))));
}

/** A table that may be wider than the page; the keyboard can scroll it. @param {string} label @param {HTMLTableElement} table */
export function scrolled(label, table) {
  return h('div', { class: 'pg-scroll', role: 'region', 'aria-label': label, tabindex: '0' }, table);
}

/**
 * A table. Columns that begin with `#` are numbers.
 * @param {string[]} columns @param {(Child | Child[])[][]} rows The first of a row is its heading. @param {string} [caption]
 */
export function table(columns, rows, caption) {
  const number = columns.map((c) => (c.startsWith('#') ? 'number' : ''));
  return h('table', { class: 'pg-table' },
    caption ? h('caption', { class: 'visually-hidden' }, caption) : null,
    h('thead', {}, h('tr', {}, columns.map((c, i) => h('th', { scope: 'col', class: number[i] }, c.replace(/^#/, ''))))),
    h('tbody', {}, rows.map((row) => h('tr', {}, row.map((cell, i) => (i ? h('td', { class: number[i] }, cell) : h('th', { scope: 'row' }, cell)))))));
}

/**
 * Something about one species, with a switch between them; the choice holds for the next page.
 * @param {string} name @param {string[]} known @param {string} first @param {(species: string) => (Child | Child[])} draw
 */
export function bySpecies(name, known, first, draw) {
  const root = h('div', { class: 'pg-species' });
  const show = (/** @type {string} */ chosen) => {
    fill(root, h('div', { role: 'group', 'aria-label': W('species') }, chips(name, chosen, known, species, (s) => {
      looked = s;
      show(s);
      /** @type {HTMLElement | null} */ (root.querySelector(`[data-name="${name}-${s}"]`))?.focus();
    })), h('div', { class: 'pg-switched', 'aria-live': 'polite' }, draw(chosen)));
  };
  show(known.includes(looked) ? looked : known.includes(first) ? first : known[0]);
  return root;
}

/** What is asked for apart: a word until it is there, and what went wrong if it never is. @template T @param {Promise<T>} asked @param {(found: T) => (Child | Child[])} draw */
export function later(asked, draw) {
  const root = h('div', { class: 'pg-later', 'aria-busy': 'true' }, h('p', { class: 'hint' }, W('loading')));
  const end = (/** @type {Child | Child[]} */ content) => { fill(root, content); root.removeAttribute('aria-busy'); };
  asked.then((found) => end(draw(found))).catch((error) => end(notice('stop', String(error.message ?? error))));
  return root;
}

/** What is asked for when it is first unfolded. @param {string} title @param {() => Promise<(Child | Child[])>} ask */
export function onDemand(title, ask) {
  const box = h('details', {}, h('summary', {}, title));
  box.addEventListener('toggle', () => { box.append(later(ask(), (found) => found)); }, { once: true });
  return box;
}
