/** The share that is hot, set by hand: a slider with a logarithmic scale, a field for any number, and the usual ones at a touch. */

import { fill, h } from '../element.js';
import { words } from '../language.js';

/** @typedef {import('../types.js').App} App */

const W = words({
  share: ['热点份额 q', 'Share that is hot, q'],
  field: ['热点份额 q，百分数', 'Share that is hot, q, in per cent'],
  range: ['请输入 0.01 至 50 之间的数', 'A number from 0.01 to 50 is expected'],
  usual: ['常用份额', 'Usual shares'],
});
const LEAST = 0.0001;
const MOST = 0.5;
/** Shares at a touch. Of the mass larger ones are usual: a hundredth of it is one plant. @type {Record<string, number[]>} */
const USUAL = { area: [0.01, 0.02, 0.05, 0.1], count: [0.01, 0.02, 0.05, 0.1], mass: [0.1, 0.2, 0.3, 0.5] };
const MARKS = [0.0001, 0.001, 0.01, 0.1, 0.5];
/** Width of the slider's thumb, of which half stays free at each end, px. */
const THUMB = 16;
/** Where the slider stops: round numbers, of which each is about a twelfth more than the one before; what others looked at is at hand. */
export const STOPS = stops();

/**
 * The control; gives back its element and what ends it.
 * @param {App} app @param {(share: number) => void} chosen
 * @returns {{root: HTMLElement, end: () => void}}
 */
export function shareControl(app, chosen) {
  const slider = h('input', {
    type: 'range', min: 0, max: STOPS.length - 1, step: 1, 'data-name': 'share', 'aria-label': W('share'),
    oninput: () => chosen(STOPS[Number(slider.value)]),
  });
  const field = h('input', {
    type: 'number', min: LEAST * 100, max: MOST * 100, step: 'any', inputmode: 'decimal', 'data-name': 'share-number', 'aria-label': W('field'),
    onchange: () => typed(field, chosen),
  });
  const usual = h('div', { class: 'chips', role: 'group', 'aria-label': W('usual') });
  const show = () => {
    const { share } = app.store.state;
    slider.value = String(nearestStop(share));
    slider.setAttribute('aria-valuetext', perCent(share));
    if (document.activeElement !== field || Number(field.value) / 100 !== share) field.value = String(hundred(share));
    field.setCustomValidity('');
    touched(usual, USUAL[app.store.state.mode] ?? USUAL.area, share, chosen);
  };
  show();
  const root = h('div', { class: 'slider field', role: 'group', 'aria-label': W('share') },
    h('div', { class: 'slider-head' }, h('span', { 'aria-hidden': 'true' }, W('share')), h('span', { class: 'slider-number' }, field, ' %')),
    slider, h('div', { class: 'slider-marks', 'aria-hidden': 'true' }, MARKS.map(mark)),
    usual);
  return { root, end: app.store.on(['share', 'mode'], show) };
}

/** Buttons of the usual shares, made anew only where they are others. @param {HTMLElement} root @param {number[]} shares @param {number} share @param {(share: number) => void} chosen */
function touched(root, shares, share, chosen) {
  if (root.dataset.of !== shares.join()) {
    root.dataset.of = shares.join();
    fill(root, shares.map((s) => h('button', { type: 'button', class: 'chip', 'data-name': `share-${hundred(s)}`, onclick: () => chosen(s) }, perCent(s))));
  }
  [...root.children].forEach((button, k) => {
    button.classList.toggle('on', shares[k] === share);
    button.setAttribute('aria-pressed', String(shares[k] === share));
  });
}

/** A share as it is written: no more digits than it has. @param {number} share */
export function perCent(share) {
  return `${hundred(share)} %`;
}

/** @param {number} share */
function hundred(share) {
  return Number((share * 100).toPrecision(8));
}

/** @param {HTMLInputElement} field @param {(share: number) => void} chosen */
function typed(field, chosen) {
  const share = field.value.trim() === '' ? NaN : Number((Number(field.value) / 100).toPrecision(8));
  const fits = share >= LEAST && share <= MOST;
  field.setCustomValidity(fits ? '' : W('range'));
  if (fits) chosen(share);
  else field.reportValidity();
}

/** @param {number} share */
function mark(share) {
  const part = nearestStop(share) / (STOPS.length - 1);
  return h('span', { style: { left: `calc(${THUMB / 2}px + (100% - ${THUMB}px) * ${part.toFixed(4)})` } }, perCent(share));
}

/** @param {number} share */
function nearestStop(share) {
  const far = (/** @type {number} */ stop) => Math.abs(Math.log(stop / share));
  return STOPS.reduce((best, stop, k) => (far(stop) < far(STOPS[best]) ? k : best), 0);
}

/** @returns {number[]} */
function stops() {
  const steps = [[10, 20, 1], [20, 50, 2], [50, 100, 5]].flatMap(([low, high, step]) => Array.from({ length: (high - low) / step }, (_, k) => low + k * step));
  const all = [-5, -4, -3, -2].flatMap((power) => steps.map((m) => Number((m * 10 ** power).toPrecision(2))));
  return all.filter((share) => share >= LEAST && share <= MOST);
}
