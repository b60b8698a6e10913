/** The state as the part of the address behind `#`, and back: short names, only what differs from the defaults. */

import { decode, encode } from './map/polygon.js';
import { DEFAULTS } from './state.js';

/** @typedef {import('./types.js').State} State */

const PANELS = ['layers', 'threshold', 'charts', 'units', 'compare', 'area', 'share'];
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** What a result has defaults of its own for. @type {Set<keyof State>} */
const ALWAYS = new Set(['layer', 'share', 'mode', 'least', 'size']);

/** How each key is written and read; what cannot be read is left out. @type {Record<string, {key: keyof State, read: (text: string) => unknown, write: (value: any) => string | null}>} */
const FIELDS = {
  r: { key: 'result', read: id, write: String },
  y: { key: 'year', read: year, write: String },
  l: { key: 'layer', read: (t) => (t === 'none' ? '' : id(t)), write: (v) => v || 'none' },
  s: { key: 'style', read: id, write: String },
  o: { key: 'opacity', read: (t) => number(t, 0, 1), write: String },
  v: { key: 'overlays', read: (t) => t.split(',').filter((x) => ID.test(x)).slice(0, 20), write: (v) => v.join(',') },
  q: { key: 'share', read: (t) => number(t, 0.0001, 0.5), write: String },
  m: { key: 'mode', read: (t) => one(t, ['area', 'count', 'mass']), write: String },
  k: { key: 'least', read: (t) => whole(t, 1, 20), write: String },
  n: { key: 'size', read: (t) => whole(t, 1, 1000000), write: String },
  b: { key: 'rank', read: id, write: String },
  f: { key: 'from', read: year, write: String },
  p: { key: 'panel', read: (t) => one(t, [...PANELS, 'none']) === 'none' ? '' : one(t, PANELS), write: (v) => v || 'none' },
  u: { key: 'unit', read: id, write: String },
  c: { key: 'cell', read: place, write: (v) => `${round(v.lon)},${round(v.lat)}` },
  x: { key: 'compare', read: id, write: String },
  w: { key: 'swipe', read: (t) => number(t, 0, 1), write: String },
  t: { key: 'table', read: (t) => (t.length <= 1200 ? t : undefined), write: String },
  a: { key: 'area', read: decode, write: encode },
  at: { key: 'view', read: view, write: (v) => `${round(v.lon, 4)},${round(v.lat, 4)},${round(v.zoom, 2)}` },
};

/** What an address says of the state. @param {string} fragment @returns {Partial<State>} */
export function read(fragment) {
  const given = new URLSearchParams(fragment.replace(/^#/, ''));
  /** @type {Record<string, unknown>} */
  const found = {};
  for (const [name, text] of given) {
    const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
    const value = field?.read(text);
    if (field && value !== undefined) found[field.key] = value;
  }
  return found;
}

/** The address of a state. @param {State} state */
export function write(state) {
  const out = new URLSearchParams();
  for (const [name, { key, write: written }] of Object.entries(FIELDS)) {
    const value = state[key];
    const open = !ALWAYS.has(key) && JSON.stringify(value) === JSON.stringify(DEFAULTS[key]);
    if (value === null || open) continue;
    const text = written(value);
    // A polygon of many corners is not told in an address.
    if (text !== null) out.set(name, text);
  }
  return `#${out.toString().replaceAll('%2C', ',')}`;
}

/** @param {string} text */
function id(text) {
  return ID.test(text) ? text : undefined;
}

/** @param {string} text */
function year(text) {
  return whole(text, 1, 9999);
}

/** @param {string} text @param {number} low @param {number} high */
function number(text, low, high) {
  const value = text.trim() === '' ? NaN : Number(text);
  return value >= low && value <= high ? value : undefined;
}

/** @param {string} text @param {number} low @param {number} high */
function whole(text, low, high) {
  const value = number(text, low, high);
  return Number.isInteger(value) ? value : undefined;
}

/** @param {string} text @param {string[]} known */
function one(text, known) {
  return known.includes(text) ? text : undefined;
}

/** @param {string} text */
function place(text) {
  const [lon, lat] = text.split(',');
  const at = { lon: number(lon ?? '', -180, 180), lat: number(lat ?? '', -90, 90) };
  return at.lon === undefined || at.lat === undefined ? undefined : at;
}

/** @param {string} text */
function view(text) {
  const at = place(text);
  const zoom = number(text.split(',')[2] ?? '', 0, 24);
  return at && zoom !== undefined ? { ...at, zoom } : undefined;
}

/** @param {number} value @param {number} [digits] */
function round(value, digits = 6) {
  return Number(value.toFixed(digits));
}
