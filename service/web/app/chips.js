/** Few values, side by side: a press chooses one. */

import { h } from './element.js';

/** @param {string} name @param {string} value @param {string[]} values @param {(value: string) => string} text @param {(value: string) => void} chosen */
export function chips(name, value, values, text, chosen) {
  return h('div', { class: 'chips' }, values.map((v) => h('button', { type: 'button', 'data-name': `${name}-${v}`, class: v === value ? 'chip on' : 'chip', 'aria-pressed': String(v === value), onclick: () => chosen(v) }, text(v))));
}
