/** Conflicts with red lines and priority protection, and the limit of proxies: what the pages of cells and of units share. */

import { h } from '../element.js';
import { named, words } from '../language.js';
import { boundsOf } from '../map/polygon.js';
import { amount } from '../numbers.js';
import { term } from '../vocabulary.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('../types.js').Result} Result */

const W = words({
  zoom: ['定位', 'Zoom to'],
});

/** The share of proxies from which something is proxy-led. @param {Result} result @returns {number} */
export function limitOf(result) {
  return result.manifest.identity?.parameters?.evidence?.proxy_led ?? 0.5;
}

/** A conflict as a feature: what it is, and where. @param {App} app @param {string} id @param {string} code @returns {Promise<any>} */
export async function conflictOf({ service }, id, code) {
  const feature = await service.get(`ogc/collections/${id}.conflicts/items/${encodeURIComponent(code)}`, { f: 'json' }).catch(() => null);
  return { conflict: code, ...feature?.properties, bounds: feature ? boundsOf({ polygons: polygonsOf(feature.geometry) }) : null };
}

/** A line about a conflict, with a way to see it. @param {App} app @param {any} c */
export function conflictLine(app, c) {
  const name = named(c, 'region');
  return h('div', { class: 'pg-conflict' },
    h('span', {}, h('span', { class: 'pg-code' }, c.conflict), c.kind ? ` ${term('conflict', c.kind)}` : '', name ? ` · ${name}` : '', c.area_km2 ? ` · ${amount(c.area_km2)} km²` : ''),
    c.bounds ? h('button', { type: 'button', class: 'plain', 'aria-label': `${W('zoom')} ${c.conflict}`, onclick: () => app.canvas.fit(c.bounds) }, W('zoom')) : null);
}

/** @param {{type: string, coordinates: any}} geometry @returns {number[][][][]} */
function polygonsOf({ type, coordinates }) {
  return type === 'Polygon' ? [coordinates] : coordinates;
}
