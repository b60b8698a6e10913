/** Where the pointer is, how large a length is, and buttons to come nearer: over the map. */

import { fill, h } from '../element.js';
import { words } from '../language.js';
import { degrees } from '../numbers.js';

/** @typedef {import('../types.js').App} App */

const W = words({
  nearer: ['放大', 'Zoom in'],
  farther: ['缩小', 'Zoom out'],
  whole: ['全部范围', 'Whole extent'],
});
/** Once around the equator. */
export const METRES = 40_075_016.686;
const LONGEST = 110;

/** @param {HTMLElement} root @param {App} app */
export function mountPosition(root, app) {
  const where = h('output', { class: 'where' });
  const bar = h('div', { class: 'bar' });
  const attribution = h('div', { class: 'attribution' });
  const button = (/** @type {string} */ text, /** @type {string} */ label, /** @type {() => void} */ act) =>
    h('button', { type: 'button', class: 'icon', 'aria-label': label, title: label, onclick: act }, text);
  root.append(
    h('div', { class: 'zoom' }, button('+', W('nearer'), () => app.canvas.map?.zoomIn()), button('−', W('farther'), () => app.canvas.map?.zoomOut()),
      button('⤢', W('whole'), () => { void app.catalogue.tiles(app.store.state.result).then((t) => app.canvas.fit(t.bounds)); })),
    h('div', { class: 'position' }, bar, where, attribution));
  const credit = () => { void app.catalogue.tiles(app.store.state.result).then((t) => fill(attribution, credits(app, t.attribution))); };
  app.store.on(['result', 'overlays'], credit);
  credit();
  void app.canvas.ready.then(() => {
    const { map } = app.canvas;
    if (!map) return;
    const scale = () => fill(bar, scaleBar(metresPerPixel(map)));
    map.on('move', scale);
    map.on('mousemove', (e) => fill(where, degrees(e.lngLat.wrap().lng, e.lngLat.lat)));
    map.on('mouseout', () => fill(where));
    scale();
  });
}

/** @param {App} app @param {string} own */
function credits(app, own) {
  const base = app.settings.basemap && app.store.state.overlays.includes('base') ? app.settings.basemap.attribution : '';
  return [own, base].filter(Boolean).join(' · ');
}

/** Metres that a pixel of the screen is wide in the middle of the map. @param {import('../../vendor/maplibre-gl/maplibre-gl.mjs').Map} map */
export function metresPerPixel(map) {
  return (METRES * Math.cos((map.getCenter().lat * Math.PI) / 180)) / (512 * 2 ** map.getZoom());
}

/** A round length that fits, and its width in pixels. @param {number} perPixel @param {number} [longest] */
export function roundLength(perPixel, longest = LONGEST) {
  const most = perPixel * longest;
  const power = 10 ** Math.floor(Math.log10(most));
  const metres = [5, 2, 1].map((k) => k * power).find((m) => m <= most) ?? power;
  return { metres, pixels: metres / perPixel, text: metres >= 1000 ? `${metres / 1000} km` : `${metres} m` };
}

/** @param {number} perPixel */
function scaleBar(perPixel) {
  const { pixels, text } = roundLength(perPixel);
  return h('span', { class: 'scale', style: { width: `${pixels.toFixed(1)}px` } }, text);
}
