/** On a phone the page is a sheet over the map: it can be drawn up, and the map keeps its middle where it can be seen. */

import { fill, h } from '../element.js';
import { words } from '../language.js';

/** @typedef {import('../types.js').App} App */

const W = words({
  taller: ['展开', 'Expand'],
  lower: ['收起', 'Reduce'],
});

/** @param {HTMLElement} root The body of the page. @param {App} app */
export function beginSheet(root, app) {
  const page = /** @type {HTMLElement} */ (root.closest('.page'));
  const handle = h('button', { type: 'button', class: 'pg-handle' });
  const render = () => {
    const tall = page.classList.contains('pg-tall');
    handle.setAttribute('aria-expanded', String(tall));
    fill(handle, h('span', { 'aria-hidden': 'true' }, tall ? '▾' : '▴'), ` ${W(tall ? 'lower' : 'taller')}`);
  };
  handle.addEventListener('click', () => { page.classList.toggle('pg-tall'); render(); });
  root.prepend(handle);
  render();
  const watch = new ResizeObserver(() => pad(app, page));
  watch.observe(page);
  watch.observe(app.frame.stage);
  return () => {
    watch.disconnect();
    app.canvas.map?.setPadding({ top: 0, right: 0, bottom: 0, left: 0 });
  };
}

/** The part of the map that the sheet covers is no place for its middle. @param {App} app @param {HTMLElement} page */
function pad({ canvas, frame }, page) {
  const { map } = canvas;
  if (!map) return;
  const stage = frame.stage.getBoundingClientRect();
  const sheet = page.getBoundingClientRect();
  const covered = getComputedStyle(page).position === 'fixed' ? Math.max(0, stage.bottom - sheet.top) : 0;
  // A sheet that is drawn up leaves no map to speak of.
  const bottom = covered > stage.height - 80 ? 0 : covered;
  if (Math.round(map.getPadding().bottom ?? 0) !== Math.round(bottom)) map.setPadding({ top: 0, right: 0, left: 0, bottom });
}
