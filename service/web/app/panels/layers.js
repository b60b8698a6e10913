/** Panel: what the map shows. A kind of layer, its species, sector and year, its colours, and what lies over it. */

import { sectorName } from '../catalogue.js';
import { chips } from '../chips.js';
import { fill, h } from '../element.js';
import { named, words } from '../language.js';
import { otherYear, styleOf } from '../map/address.js';
import { OVERLAYS } from '../map/vectors.js';
import { species } from '../numbers.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('../types.js').Layer} Layer */

const W = words({
  shows: ['显示内容', 'Shows'],
  zoned: ['管控类别', 'Classes of the zoning'],
  tier: ['证据层级', 'Tiers of evidence'],
  membership: ['类别稳健度', 'Membership'],
  class: ['重叠类别（按阈值）', 'Overlap classes, at the threshold'],
  hot: ['单项热点（按阈值）', 'Hot cells of a species'],
  density: ['排放强度', 'Emissions per area'],
  rank: ['强度排名', 'Rank'],
  change: ['年际变化', 'Change between years'],
  none: ['无栅格图层', 'No raster layer'],
  species: ['排放物', 'Species'],
  sector: ['行业', 'Sector'],
  classes: ['类别', 'classes'],
  all: ['全部行业', 'all sectors'],
  year: ['年份', 'Year'],
  from: ['起始年', 'From'],
  style: ['配色', 'Colours'],
  opacity: ['不透明度', 'Opacity'],
  over: ['叠加', 'Over it'],
  units: ['管控单元', 'Control units'],
  hotspots: ['热点斑块', 'Hotspots'],
  conflicts: ['空间冲突', 'Conflicts'],
  sources: ['排放源', 'Sources'],
  'region-domain': ['区域范围', 'Domain'],
  'region-county': ['县级行政区', 'Counties'],
  'region-township': ['乡镇', 'Townships'],
  'region-park': ['产业园区', 'Industrial parks'],
  'region-red_line': ['生态保护红线', 'Ecological red lines'],
  'region-priority': ['优先保护单元', 'Priority protection units'],
  graticule: ['经纬网', 'Graticule'],
  base: ['底图', 'Base map'],
  needsKey: ['需要密钥', 'needs a key'],
  threshold: ['在“阈值”面板中调整热点份额。', 'The threshold panel sets what is hot.'],
});
/** Overlays that the service lists only to those with a key. */
const GUARDED = ['sources'];
const KINDS = ['zoned', 'tier', 'membership', 'class', 'hot', 'density', 'rank', 'change'];

/** @type {import('../types.js').Mount} */
export function mountLayers(root, app) {
  let ended = false;
  const render = async () => {
    const { state } = app.store;
    const [index, result, styles, run] = await Promise.all([
      app.catalogue.tiles(state.result), app.catalogue.result(state.result), app.service.get('tiles/styles'),
      app.catalogue.result(app.catalogue.runOf(state.result)).catch(() => null),
    ]);
    if (ended || index.id !== app.store.state.result) return;
    const kept = document.activeElement instanceof HTMLElement && root.contains(document.activeElement) ? document.activeElement.dataset.name : '';
    fill(root, form(app, index, result, styles.styles, (run ?? result).years));
    if (kept) /** @type {HTMLElement | null} */ (root.querySelector(`[data-name="${kept}"]`))?.focus();
  };
  const again = () => { render().catch((error) => app.frame.say(error.message, true)); };
  const off = app.store.on(['result', 'layer', 'style', 'overlays', 'year', 'from'], again);
  again();
  return () => { ended = true; off(); };
}

/** @param {App} app @param {import('../types.js').TileIndex} index @param {import('../types.js').Result} result @param {any[]} styles @param {number[]} years */
function form(app, index, result, styles, years) {
  const { store } = app;
  const { state } = store;
  const layers = index.layers.filter((l) => l.type === 'raster');
  const layer = layers.find((l) => l.id === state.layer);
  const kinds = KINDS.filter((k) => layers.some((l) => l.kind === k));
  const alike = layers.filter((l) => l.kind === layer?.kind);
  const pick = (/** @type {Partial<Layer>} */ wanted) => store.set({ layer: nearest(alike, { ...layer, ...wanted })?.id ?? state.layer });
  return [
    group(W('shows'), choice('kind', layer?.kind ?? '', [...kinds, ''], (k) => W(/** @type {any} */ (k || 'none')),
      (k) => store.set({ layer: k ? first(layers.filter((l) => l.kind === k), layer?.species ?? state.rank)?.id ?? '' : '', style: '' }))),
    layer && alike.some((l) => l.species) ? group(W('species'), chips('species', layer.species ?? '', [...(alike.some((l) => !l.species) ? [''] : []), ...result.species], (s) => (s ? species(s) : W('classes')), (s) => pick({ species: s || null }))) : null,
    layer && alike.some((l) => l.sector) ? group(W('sector'), choice('sector', layer.sector ?? '', ['', ...result.sectors], (s) => (s ? sectorName(result, s) : W('all')), (s) => pick({ sector: s || null }))) : null,
    layer && has(layer, 'from') && years.length > 1 ? group(W('from'), chips('from', String(state.from === state.year ? otherYear(layer, state.year) : state.from), years.filter((y) => y !== state.year).map(String), String, (y) => store.set({ from: Number(y) }))) : null,
    layer && (has(layer, 'year') || has(layer, 'to')) && years.length > 1 ? group(W('year'), chips('year', String(state.year), years.map(String), String, (y) => store.set({ year: Number(y) }))) : null,
    layer && has(layer, 'share') ? h('p', { class: 'hint' }, W('threshold')) : null,
    layer ? group(W('style'), choice('style', styleOf(layer, state), layer.styles ?? [], (s) => named(styles.find((x) => x.id === s) ?? { name: s }, 'title') || s, (s) => store.set({ style: s }))) : null,
    layer ? group(W('opacity'), h('input', { type: 'range', min: 0, max: 1, step: 0.05, value: state.opacity, 'data-name': 'opacity', 'aria-label': W('opacity'), oninput: (/** @type {any} */ e) => store.set({ opacity: Number(e.target.value) }) })) : null,
    overlays(app, index),
  ];
}

/** @param {App} app @param {import('../types.js').TileIndex} index */
function overlays(app, index) {
  const { store, settings, service } = app;
  const shown = store.state.overlays;
  const closedTo = (/** @type {string} */ id) => GUARDED.includes(id) && !settings.facilities && !service.key;
  const vectors = [...OVERLAYS].sort((a, b) => Number(a.startsWith('region-')) - Number(b.startsWith('region-'))).filter((id) => closedTo(id) || index.layers.some((l) => l.type === 'vector' && l.id === id));
  const ids = [...vectors, 'graticule', ...(settings.basemap ? ['base'] : [])];
  return h('fieldset', {}, h('legend', {}, W('over')), ids.map((id) => {
    const closed = closedTo(id);
    return h('label', { class: 'check' },
      h('input', { type: 'checkbox', 'data-name': `over-${id}`, checked: shown.includes(id) && !closed, disabled: closed, onchange: (/** @type {any} */ e) => store.set({ overlays: e.target.checked ? [...shown, id] : shown.filter((x) => x !== id) }) }),
      id === 'base' && settings.basemap?.title ? settings.basemap.title : W(/** @type {any} */ (id)), closed ? h('span', { class: 'hint' }, ` (${W('needsKey')})`) : null);
  }));
}

/** The layer that a kind begins with: the one of no species, if there is one. @param {Layer[]} layers @param {string} species */
function first(layers, species) {
  return layers.find((l) => !l.species) ?? nearest(layers, { species, sector: null });
}

/** The layer that is most like what is wanted. @param {Layer[]} layers @param {Partial<Layer>} wanted */
function nearest(layers, wanted) {
  const alike = (/** @type {Layer} */ l) => ((l.species ?? null) === (wanted.species ?? null) ? 2 : 0) + ((l.sector ?? null) === (wanted.sector ?? null) ? 1 : 0);
  return layers.reduce((best, l) => (!best || alike(l) > alike(best) ? l : best), /** @type {Layer | null} */ (null));
}

/** @param {Layer} layer @param {string} name */
function has(layer, name) {
  return layer.parameters.some((p) => p.name === name);
}

/** @param {string} title @param {HTMLElement} control */
function group(title, control) {
  return control.tagName === 'SELECT' || control.tagName === 'INPUT'
    ? h('label', { class: 'field' }, h('span', {}, title), control)
    : h('div', { class: 'field', role: 'group', 'aria-label': title }, h('span', { 'aria-hidden': 'true' }, title), control);
}

/** @param {string} name @param {string} value @param {string[]} values @param {(value: string) => string} text @param {(value: string) => void} chosen */
function choice(name, value, values, text, chosen) {
  return h('select', { 'data-name': name, value, onchange: (/** @type {any} */ e) => chosen(e.target.value) }, values.map((v) => h('option', { value: v }, text(v))));
}
