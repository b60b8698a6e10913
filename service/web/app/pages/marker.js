/** The cell that a page is about, outlined on the map; a cross in the middle of the map for those who come by keyboard. */

import { h } from '../element.js';
import { words } from '../language.js';
import { METRES } from '../map/position.js';
import { pointAt } from './point.js';

/** @typedef {import('../types.js').App} App */

const W = words({
  enter: ['按 Enter 查看十字处的网格', 'Enter opens the cell under the cross'],
});
const ID = 'page-cell';
const RINGS = [`${ID}-ring-casing`, `${ID}-ring-line`];
/** Pixels from which a cell's outline is enough. */
const SEEN = 14;

/** Outline the cell of the state for as long as the page lives. @param {App} app */
export function beginMarker(app) {
  let latest = 0;
  const draw = async () => {
    const ticket = ++latest;
    await app.canvas.ready;
    const { map } = app.canvas;
    if (!map) return;
    const cell = app.store.state.cell ? await outline(app).catch(() => null) : null;
    if (ticket === latest) show(map, cell);
  };
  app.store.on(['cell', 'result', 'year'], () => { void draw(); });
  void draw();
}

/** The cell and its polygon, as the service has it; where it emits nothing, as the grid has it. @param {App} app @returns {Promise<{cell: any, geometry: any} | null>} */
async function outline(app) {
  const { state } = app.store;
  if (!state.cell) return null;
  const { cell, run, year } = await pointAt(app, state.cell);
  const feature = await app.service.get(`ogc/collections/${run}.cells/items/${year}-${cell.cell}`, { f: 'json' }).catch(() => null);
  return { cell, geometry: feature?.geometry ?? await latticed(app, cell) };
}

/** A cell of a grid in degrees from its row and column; of another grid nothing but its middle is known. @param {App} app @param {any} cell */
async function latticed(app, cell) {
  const { grid } = /** @type {any} */ (await app.catalogue.result(app.store.state.result));
  if (!/^GEOG(CRS|CS)/.test(grid.crs)) return null;
  const [dx, , , , dy] = grid.transform.map((/** @type {number} */ v) => Math.abs(v) / 2);
  const [w, s, e, n] = [cell.lon - dx, cell.lat - dy, cell.lon + dx, cell.lat + dy];
  return { type: 'Polygon', coordinates: [[[w, s], [e, s], [e, n], [w, n], [w, s]]] };
}

/** @param {import('../../vendor/maplibre-gl/maplibre-gl.mjs').Map} map @param {{cell: any, geometry: any} | null} shown */
function show(map, shown) {
  if (!map.getSource(ID)) begin(map);
  const { cell, geometry } = shown ?? {};
  const shapes = cell ? [{ type: 'Point', coordinates: [cell.lon, cell.lat] }, ...(geometry ? [geometry] : [])] : [];
  /** @type {any} */ (map.getSource(ID)).setData({ type: 'FeatureCollection', features: shapes.map((g) => ({ type: 'Feature', properties: {}, geometry: g })) });
  // A cell of few pixels has an outline nobody finds: there a ring stands around its middle.
  const until = geometry ? Math.log2((SEEN * METRES * Math.cos((cell.lat * Math.PI) / 180)) / (512 * Math.sqrt(cell.area_km2) * 1000)) : 24;
  for (const id of RINGS) map.setLayerZoomRange(id, 0, Math.min(Math.max(until, 0.1), 24));
}

/** Dark in white: seen on every colour of every layer, in both themes. @param {import('../../vendor/maplibre-gl/maplibre-gl.mjs').Map} map */
function begin(map) {
  map.addSource(ID, { type: 'geojson', data: { type: 'FeatureCollection', features: [] } });
  for (const [name, colour, width] of /** @type {[string, string, number][]} */ ([['casing', '#ffffff', 6], ['line', '#101820', 2.5]])) {
    map.addLayer({ id: `${ID}-${name}`, type: 'line', source: ID, filter: ['==', ['geometry-type'], 'Polygon'], layout: { 'line-join': 'round' }, paint: { 'line-color': colour, 'line-width': width } });
    map.addLayer({ id: `${ID}-ring-${name}`, type: 'circle', source: ID, filter: ['==', ['geometry-type'], 'Point'], paint: { 'circle-radius': 9, 'circle-opacity': 0, 'circle-stroke-color': colour, 'circle-stroke-width': width } });
  }
}

/** A cross in the middle of the map while the keyboard is on it; Enter tells where it stands. @param {App} app @param {(at: {lon: number, lat: number}, point: {x: number, y: number}) => void} opened */
export async function beginCross(app, opened) {
  await app.canvas.ready;
  const { map } = app.canvas;
  if (!map) return;
  const canvas = map.getCanvas();
  const hint = h('p', { class: 'pg-cross-hint', id: 'pg-cross-hint' }, W('enter'));
  const cross = h('div', { class: 'pg-cross', hidden: true }, h('span', { class: 'pg-cross-lines', 'aria-hidden': 'true' }), hint);
  app.frame.over.append(cross);
  canvas.setAttribute('aria-describedby', hint.id);
  const place = () => {
    const { x, y } = map.project(map.getCenter());
    cross.style.setProperty('left', `${x}px`);
    cross.style.setProperty('top', `${y}px`);
  };
  canvas.addEventListener('focus', () => { cross.hidden = !canvas.matches(':focus-visible'); place(); });
  canvas.addEventListener('blur', () => { cross.hidden = true; });
  canvas.addEventListener('keydown', (/** @type {KeyboardEvent} */ e) => {
    cross.hidden = false;
    place();
    if (e.key !== 'Enter') return;
    e.preventDefault();
    const { lng, lat } = map.getCenter().wrap();
    opened({ lon: lng, lat }, map.project(map.getCenter()));
  });
  map.on('resize', place);
  map.on('move', () => { if (!cross.hidden) place(); });
}
