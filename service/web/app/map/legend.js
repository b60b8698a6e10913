/** The legend of what is shown, over the map: colours, units, what a class means when zoomed out. */

import { layerTitle } from '../catalogue.js';
import { fill, h } from '../element.js';
import { named, words } from '../language.js';
import { Latest } from '../latest.js';
import { onTheme } from '../theme.js';
import { legendQuery } from './address.js';

/** @typedef {import('../types.js').App} App */

const W = words({
  legend: ['图例', 'Legend'],
  none: ['未选择栅格图层', 'No raster layer chosen'],
});

/** @param {HTMLElement} root @param {App} app */
export function mountLegend(root, app) {
  const body = h('div', { class: 'legend-body' });
  const box = h('details', { class: 'legend', open: !matchMedia('(max-width: 760px)').matches }, h('summary', {}, W('legend')), body);
  root.append(box);
  const render = async (/** @type {null} */ _, /** @type {AbortSignal} */ signal) => {
    const found = await legendOf(app, signal);
    if (!found) return fill(body, h('p', {}, W('none')));
    const { layer, legend } = found;
    fill(body,
      h('p', { class: 'legend-title' }, layerTitle(layer)),
      h('p', { class: 'legend-sub' }, [named(legend, 'subtitle'), legend.unit].filter(Boolean).join(' · ')),
      h('ul', {}, legend.entries.map(entry)),
      named(legend, 'note') ? h('p', { class: 'legend-note' }, named(legend, 'note')) : null);
  };
  const latest = new Latest(render, (error) => app.frame.say(error.message, true));
  const again = () => latest.ask(null);
  app.store.on(['result', 'layer', 'style', 'year', 'from', 'share', 'mode', 'least', 'size'], again);
  onTheme(again);
  again();
}

/** The layer that is shown and its legend, for this and for a picture of the map. @param {App} app @param {AbortSignal} [signal] */
export async function legendOf(app, signal) {
  const { state } = app.store;
  const index = await app.catalogue.tiles(state.result);
  const layer = index.layers.find((l) => l.type === 'raster' && l.id === state.layer);
  if (!layer) return null;
  return { index, layer, legend: await app.service.get(`tiles/${index.id}/${layer.id}/legend.json`, legendQuery(layer, state), signal) };
}

/** @param {any} e */
function entry(e) {
  return h('li', {}, h('span', { class: 'swatch', style: { 'background-color': e.colour } }), named(e, 'label'));
}
