/** Legends of all that a map shows, for paper: its layers, what lies over them, and the polygon. */

import { layerTitle } from '../catalogue.js';
import { named, words } from '../language.js';
import { term } from '../vocabulary.js';
import { legendQuery } from './address.js';
import { classColours } from './canvas.js';
import { SIGNS } from './changedcells.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('../types.js').State} State */
/** @typedef {import('../paper.js').Block} Block */
/** @typedef {import('./scene.js').Stroke} Stroke */

const W = words({
  over: ['叠加', 'Over it'],
  coloured: ['{title}（填色为类别）', '{title}, filled by class'],
  area: ['统计范围', 'Area of the statistics'],
  chosen: ['已选单元 {code}', 'Unit {code}'],
  changes: ['两个区划之间类别有变化的网格', 'Cells whose class is another in the other zoning'],
});
/** How opaque units are filled, see `vectors.js`. */
const UNIT_FILL = 0.25;
/** Kinds of layers whose colours are those of classes. */
const CLASSED = ['zoned', 'class'];

/** A block for each different layer of the sides. @param {App} app @param {{result: string, state: State, name: string}[]} sides @returns {Promise<Block[]>} */
export async function layersLegend(app, sides) {
  /** @type {{titles: string[], subs: string[], unit: string, entries: import('../paper.js').Entry[], note: string}[]} */
  const found = [];
  for (const { result, state, name } of sides) {
    const { layers } = await app.catalogue.tiles(result);
    const layer = layers.find((l) => l.type === 'raster' && l.id === state.layer);
    if (!layer) continue;
    const legend = await app.service.get(`tiles/${result}/${layer.id}/legend.json`, legendQuery(layer, state));
    const entries = legend.entries.map((/** @type {any} */ e) => ({ colour: e.colour, alpha: state.opacity, text: named(e, 'label') }));
    const own = named(legend, 'subtitle');
    const sub = own.includes(name) ? own : [name, own].filter(Boolean).join(' · ');
    const alike = found.find((f) => f.unit === legend.unit && JSON.stringify(f.entries) === JSON.stringify(entries));
    if (alike) alike.subs.push(sub);
    if (alike && !alike.titles.includes(layerTitle(layer))) alike.titles.push(layerTitle(layer));
    if (!alike) found.push({ titles: [layerTitle(layer)], subs: [sub], unit: legend.unit, entries, note: named(legend, 'note') });
  }
  return found.map(({ titles, subs, unit, entries, note }) => ({
    title: titles.join(' / '), sub: [subs.filter(Boolean).join(' / '), unit].filter(Boolean).join(' · '), entries, note,
  }));
}

/** What lies over the layers. @param {App} app @param {Stroke[]} strokes As the map draws them. @param {boolean} dark @returns {Promise<Block[]>} */
export async function overlaysLegend(app, strokes, dark) {
  const { state } = app.store;
  const index = await app.catalogue.tiles(state.result);
  const raster = index.layers.find((l) => l.type === 'raster' && l.id === state.layer);
  const plain = dark ? '#ffffff' : '#10191b';
  /** @type {import('../paper.js').Entry[]} */
  const entries = strokes.map(({ id, line, dot, dashes }) => {
    const layer = index.layers.find((l) => l.type === 'vector' && l.id === id);
    const title = layer ? named(layer, 'title') : id;
    return { line, dot, dashes, text: id === 'units' && !CLASSED.includes(raster?.kind ?? '') ? W('coloured', { title }) : title };
  });
  if (strokes.some((s) => s.id === 'units') && !CLASSED.includes(raster?.kind ?? '')) {
    const colours = await classColours(app, index);
    entries.push(...Object.entries(colours).map(([code, colour]) => ({ colour, alpha: UNIT_FILL, text: term('class', code) })));
  }
  if (state.unit && state.overlays.includes('units')) entries.push({ line: dark ? '#7ff0ff' : '#006b8f', text: W('chosen', { code: state.unit }) });
  if (state.area) entries.push({ line: plain, dashes: [3, 1.2], text: W('area') });
  /** @type {Block[]} */
  const blocks = entries.length ? [{ title: W('over'), sub: '', entries, note: '' }] : [];
  if (state.overlays.includes('changes') && app.catalogue.comparisonOf(state.result, state.compare)) {
    blocks.push({ title: W('changes'), sub: '', note: '', entries: Object.entries(SIGNS).map(([code, sign]) => ({ sign, text: term('change', code) })) });
  }
  return blocks;
}
