/** Pictures of buttons in tables: paths on 24 × 24. */

import { svg } from '../element.js';

/** Zoom to. */
export function aim() {
  return icon('M11 2h2v3.1A7 7 0 0 1 18.9 11H22v2h-3.1a7 7 0 0 1-5.9 5.9V22h-2v-3.1A7 7 0 0 1 5.1 13H2v-2h3.1A7 7 0 0 1 11 5.1V2Zm1 5a5 5 0 1 0 0 10 5 5 0 0 0 0-10Zm0 3a2 2 0 1 1 0 4 2 2 0 0 1 0-4Z');
}

/** Make wide, and narrow again. */
export function spread() {
  return icon('M3 5h2v14H3V5Zm16 0h2v14h-2V5ZM10 8v3h4V8l4 4-4 4v-3h-4v3l-4-4 4-4Z');
}

/** @param {string} path */
function icon(path) {
  return svg('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true', class: 'table-icon' }, svg('path', { d: path }));
}
