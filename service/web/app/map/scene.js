/** What a map shows, drawn again off the screen: at any size and sharpness, on a light ground or a dark one. */

import { words } from '../language.js';
import { tilesOf } from './address.js';
import { ground, overlaysOf, showBase } from './canvas.js';
import { ChangedCells } from './changedcells.js';
import { Graticule } from './graticule.js';
import { drawOutline } from './outline.js';
import { Raster } from './raster.js';
import { changesOf } from './swipe.js';
import { Vectors } from './vectors.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('../types.js').State} State */
/** @typedef {import('../../vendor/maplibre-gl/maplibre-gl.mjs').Map} MapLibre */
/** @typedef {{id: string, line: string, dashes: number[], dot: string}} Stroke How an overlay is drawn: the colour of its line or of its dots. */

const W = words({
  slow: ['地图瓦片未能及时取得，请稍后重试。', 'The tiles of the map did not come in time; try again in a moment.'],
  missing: ['有 {count} 个地图瓦片未能取得，图片没有保存；请稍后重试。', '{count} tiles of the map did not come, and no picture was saved; try again in a moment.'],
});
const PATIENCE_MS = 45_000;

/**
 * @param {App} app @param {{result: string, state: State}} side
 * @param {{width: number, height: number, ratio: number, nearer: number, dark: boolean}} options
 *   Width and height in pixels of the page, `ratio` of the picture's to those; `nearer`: how much larger than on the screen things are.
 * @returns {Promise<{picture: HTMLCanvasElement, strokes: Stroke[]}>}
 */
export async function sceneOf(app, side, { width, height, ratio, nearer, dark }) {
  const main = app.canvas.map;
  if (!main) throw new Error(W('slow'));
  const root = document.createElement('div');
  root.className = 'scene';
  root.style.width = `${width}px`;
  root.style.height = `${height}px`;
  document.body.append(root);
  let missing = 0;
  const map = twinIn(root, app);
  // A picture with holes would be taken for what is there.
  map.on('error', ({ error }) => { if (!(/** @type {any} */ (error)?.status < 500)) missing += 1; });
  try {
    map.setPixelRatio(ratio);
    map.jumpTo({ center: main.getCenter(), zoom: main.getZoom() + Math.log2(nearer) });
    await inTime(new Promise((resolve) => { map.once('load', () => resolve(null)); }));
    map.setPaintProperty('ground', 'background-color', ground(dark));
    await draw(map, app, side, dark);
    await inTime(new Promise((resolve) => {
      const check = () => { if (map.areTilesLoaded()) resolve(null); else map.once('idle', check); };
      map.once('idle', check);
    }));
    if (missing) throw new Error(W('missing', { count: missing }));
    return { picture: copyOf(map.getCanvas()), strokes: strokesOf(map, side.state) };
  } finally {
    map.remove();
    root.remove();
  }
}

/** @param {MapLibre} map @param {App} app @param {{result: string, state: State}} side @param {boolean} dark */
async function draw(map, app, { result, state }, dark) {
  const index = await app.catalogue.tiles(result);
  const [{ wanted, colours }, changes] = await Promise.all([overlaysOf(app, index, state), changesOf(app)]);
  showBase(map, app);
  const layer = index.layers.find((l) => l.type === 'raster' && l.id === state.layer);
  const raster = new Raster(map, index.bounds);
  raster.opacity = state.opacity;
  raster.show(layer ? tilesOf(app.service, result, layer, state) : '', index.attribution);
  const vectors = new Vectors(map);
  vectors.show(wanted, colours, index.bounds, dark);
  vectors.choose(state.unit);
  new Graticule(map).show(state.overlays.includes('graticule'), dark);
  new ChangedCells(map).show(changes.tiles, changes.maxzoom, dark);
  drawOutline(map, app, dark)();
}

/** How the overlays of a map are drawn, for a legend. @param {MapLibre} map @param {State} state @returns {Stroke[]} */
function strokesOf(map, state) {
  const paint = (/** @type {string} */ layer, /** @type {string} */ name) => (map.getLayer(layer) ? map.getPaintProperty(layer, /** @type {any} */ (name)) : undefined);
  return state.overlays.flatMap((id) => {
    const line = paint(`v-${id}-line`, 'line-color');
    const dot = paint(`v-${id}-point`, 'circle-color');
    const dashes = paint(`v-${id}-line`, 'line-dasharray');
    return typeof line === 'string' || typeof dot === 'string'
      ? [{ id, line: typeof line === 'string' ? line : '', dot: typeof dot === 'string' ? dot : '', dashes: Array.isArray(dashes) ? /** @type {number[]} */ (dashes) : [] }] : [];
  });
}

/** @param {HTMLCanvasElement} canvas */
function copyOf(canvas) {
  const out = document.createElement('canvas');
  out.width = canvas.width;
  out.height = canvas.height;
  out.getContext('2d')?.drawImage(canvas, 0, 0);
  return out;
}

/** @template T @param {Promise<T>} work @returns {Promise<T>} */
function inTime(work) {
  let timer = 0;
  const late = new Promise((_, reject) => { timer = window.setTimeout(() => reject(new Error(W('slow'))), PATIENCE_MS); });
  return /** @type {Promise<T>} */ (Promise.race([work, late])).finally(() => window.clearTimeout(timer));
}

/** A further map; a browser gives only so many. @param {HTMLElement} root @param {App} app */
function twinIn(root, app) {
  try {
    return app.canvas.twin(root);
  } catch {
    root.remove();
    throw new Error(W('slow'));
  }
}
