/** Scales and axes of charts: where a value stands on the screen, and the round values that are written beside it. */

import { svg } from '../element.js';
import { percent } from '../numbers.js';

/** Pixels of a chart's picture, and of the margins around what is drawn. */
export const BOX = { width: 340, height: 236, left: 42, right: 12, top: 10, bottom: 36 };

/**
 * @typedef {object} Scale
 * @property {(value: number) => number} at Where a value stands, 0 to 1 of the axis.
 * @property {(part: number) => number} back The value there.
 * @property {number[]} ticks
 */

/** @param {number} low @param {number} high @param {number[]} ticks @returns {Scale} */
export function linear(low, high, ticks) {
  return { at: (value) => (value - low) / (high - low), back: (part) => low + part * (high - low), ticks };
}

/** Of values above zero; what is less than `low` stands at its end. @param {number} low @param {number} high @returns {Scale} */
export function logarithmic(low, high) {
  const span = Math.log(high / low);
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const ticks = Array.from({ length: Math.max(1, Math.floor(Math.log10(high) + 1e-9) - first + 1) }, (_, k) => Number((10 ** (first + k)).toPrecision(1)));
  return { at: (value) => Math.log(Math.max(value, low) / low) / span, back: (part) => low * Math.exp(part * span), ticks };
}

/** Pixel of a part of the x axis. @param {number} part */
export function across(part) {
  return BOX.left + part * (BOX.width - BOX.left - BOX.right);
}

/** Pixel of a part of the y axis. @param {number} part */
export function up(part) {
  return BOX.height - BOX.bottom - part * (BOX.height - BOX.top - BOX.bottom);
}

/** Lines and words of both axes, whose values are shares. @param {Scale} x @param {string} xTitle @param {string} yTitle */
export function axes(x, xTitle, yTitle) {
  const [low, high] = [up(0), up(1)];
  return svg('g', { class: 'axes' },
    [0, 0.2, 0.4, 0.6, 0.8, 1].flatMap((share) => [
      svg('line', { class: 'grid', x1: across(0), x2: across(1), y1: up(share), y2: up(share) }),
      svg('text', { x: BOX.left - 5, y: up(share) + 4, 'text-anchor': 'end' }, `${(share * 100).toFixed(0)}`)]),
    x.ticks.flatMap((share) => [
      svg('line', { class: 'grid', x1: across(x.at(share)), x2: across(x.at(share)), y1: low, y2: high }),
      svg('text', { x: across(x.at(share)), y: low + 14, 'text-anchor': x.at(share) > 0.97 ? 'end' : 'middle' }, tick(share))]),
    svg('text', { class: 'axis-title', x: across(0.5), y: BOX.height - 5, 'text-anchor': 'middle' }, xTitle),
    svg('text', { class: 'axis-title', x: 0, y: 0, 'text-anchor': 'middle', transform: `translate(11 ${up(0.5)}) rotate(-90)` }, yTitle));
}

/** Path through points of the picture. @param {[number, number][]} points */
export function path(points) {
  return points.map(([x, y], k) => `${k ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
}

/** @param {number} share */
function tick(share) {
  return share === 0 ? '0' : percent(share, Math.max(0, -Math.floor(Math.log10(share * 100) + 1e-9))).replace(' %', '%');
}
