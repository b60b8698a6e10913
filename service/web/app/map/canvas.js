/** The map itself: what the state says is drawn, where the reader clicks is told. Without WebGL it says so, and the rest of the page works. */

import * as maplibre from '../../vendor/maplibre-gl/maplibre-gl.mjs';

import { h } from '../element.js';
import { words } from '../language.js';
import { BASE } from '../service.js';
import { isDark, onTheme } from '../theme.js';
import { tilesOf } from './address.js';
import { Graticule } from './graticule.js';
import { Raster } from './raster.js';
import { OVERLAYS, Vectors } from './vectors.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('../types.js').State} State */
/** @typedef {import('../types.js').TileIndex} TileIndex */

const W = words({
  none: ['此浏览器无法显示地图（需要 WebGL）。列表、图表与下载仍可使用。', 'This browser cannot show the map (WebGL is needed). Lists, charts and downloads work.'],
  map: ['地图', 'Map'],
});
const PADDING = 30;
/** Addresses that a key goes to: those of tiles and glyphs of this service, not those of a base map beside it. */
const OURS = new RegExp(`^${BASE.href.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(tiles|glyphs)/`);
maplibre.setWorkerUrl(new URL('../../vendor/maplibre-gl/maplibre-gl-worker.mjs', import.meta.url).href);

/** An empty style in the colours of the page. @param {boolean} dark @returns {any} */
function emptyStyle(dark) {
  return {
    version: 8,
    glyphs: `${BASE.href}glyphs/{fontstack}/{range}.pbf`,
    sources: {},
    layers: [
      { id: 'ground', type: 'background', paint: { 'background-color': ground(dark) } },
      // Layers that others are put below: pictures under `overlays`, vectors under `overlays-top`.
      { id: 'overlays', type: 'background', layout: { visibility: 'none' } },
      { id: 'overlays-top', type: 'background', layout: { visibility: 'none' } },
    ],
  };
}

/** @param {boolean} dark */
export function ground(dark) {
  return dark ? '#10191b' : '#f4f6f5';
}

export class Canvas {
  /** @param {HTMLElement} root @param {App} app */
  constructor(root, app) {
    this._app = app;
    this.root = root;
    /** @type {maplibre.Map | null} */
    this.map = null;
    this.available = false;
    /** @type {Raster | null} */
    this.raster = null;
    /** @type {Vectors | null} */
    this.vectors = null;
    /** @type {((at: {lon: number, lat: number}, point: {x: number, y: number}) => boolean)[]} Tried in turn; the first that takes a click ends it. */
    this._clicks = [];
    this._endWhole = () => {};
    this._turn = 0;
    /** @type {Promise<void>} When the map can be drawn on. */
    this.ready = this._begin();
  }

  /** Take clicks before others do; gives back what ends it. @param {(at: {lon: number, lat: number}, point: {x: number, y: number}) => boolean} taken */
  onClick(taken) {
    this._clicks.unshift(taken);
    return () => { this._clicks = this._clicks.filter((c) => c !== taken); };
  }

  /** Show these bounds. @param {number[]} bounds West, south, east, north. @param {{maxZoom?: number, instant?: boolean}} [options] */
  fit(bounds, options = {}) {
    this._endWhole();
    this._fit(bounds, options);
  }

  /** @param {number[]} bounds @param {{maxZoom?: number, instant?: boolean}} options */
  _fit([west, south, east, north], { maxZoom = 14, instant = false }) {
    this.map?.fitBounds([west, south, east, north], { padding: PADDING, maxZoom, animate: !instant && !matchMedia('(prefers-reduced-motion: reduce)').matches });
  }

  /** The page has another size. */
  resize() {
    this.map?.resize();
  }

  /** Another map of the same kind, for the other side of a swipe. @param {HTMLElement} root @returns {maplibre.Map} */
  twin(root) {
    return this._make(root, false);
  }

  async _begin() {
    try {
      this.map = this._make(this.root, true);
      this.available = true;
    } catch {
      this.root.append(h('p', { class: 'no-map', role: 'status' }, W('none')));
      return;
    }
    const map = this.map;
    await new Promise((resolve) => { map.once('load', () => resolve(null)); });
    this.vectors = new Vectors(map);
    this.graticule = new Graticule(map);
    const { store } = this._app;
    store.on(['result'], () => { void this._draw(true); });
    store.on(['layer', 'overlays', 'year', 'from'], () => { void this._draw(false); });
    store.on(['style', 'opacity', 'share', 'mode', 'least', 'size'], () => { void this._picture(); });
    store.on(['view'], ({ view }) => {
      const { lng, lat } = map.getCenter();
      if (view && (Math.abs(lng - view.lon) > 1e-6 || Math.abs(lat - view.lat) > 1e-6 || map.getZoom() !== view.zoom)) map.jumpTo({ center: [view.lon, view.lat], zoom: view.zoom });
    });
    store.on(['unit'], (state) => this.vectors?.choose(state.unit));
    onTheme((dark) => {
      map.setPaintProperty('ground', 'background-color', ground(dark));
      void this._draw(false);
    });
    map.on('moveend', () => {
      const { lng, lat } = map.getCenter().wrap();
      store.set({ view: { lon: lng, lat, zoom: map.getZoom() } });
    });
    map.on('click', (e) => {
      const { lng, lat } = e.lngLat.wrap();
      this._clicks.some((taken) => taken({ lon: lng, lat }, e.point));
    });
    await this._draw(true);
    this.vectors.choose(store.state.unit);
  }

  /** @param {HTMLElement} root @param {boolean} main */
  _make(root, main) {
    const { view } = this._app.store.state;
    const map = new maplibre.Map({
      container: root, style: emptyStyle(isDark()), attributionControl: false, dragRotate: false, pitchWithRotate: false, maxPitch: 0,
      fadeDuration: 0, interactive: main, keyboard: main, maxZoom: 18, canvasContextAttributes: { preserveDrawingBuffer: true },
      transformRequest: (url) => (OURS.test(url) ? { url, headers: this._app.service.headers() } : { url }),
      localIdeographFontFamily: false,
      ...(view ? { center: [view.lon, view.lat], zoom: view.zoom } : { center: [110, 33], zoom: 3 }),
    });
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    map.getCanvas().setAttribute('aria-label', W('map'));
    return map;
  }

  /** Draw what the state says. @param {boolean} anew Whether the result is another. */
  async _draw(anew) {
    const { store, catalogue } = this._app;
    const map = this.map;
    const turn = ++this._turn;
    const index = store.state.result ? await catalogue.tiles(store.state.result) : null;
    const { state } = store;
    if (!map || !this.vectors || !index || index.id !== state.result || (turn !== this._turn && !anew)) return;
    if (anew) {
      this.raster?.show('', '');
      this.raster = new Raster(map, index.bounds);
      if (!state.view || !overlap(map.getBounds().toArray().flat(), index.bounds)) this._fitWhole(map, index.bounds);
    }
    showBase(map, this._app);
    await this._picture();
    await this._overlays(index, turn);
    this.graticule?.show(state.overlays.includes('graticule'), isDark());
  }

  /** Show all of a result, also when the panels beside it change their size, until the reader moves the map. @param {maplibre.Map} map @param {number[]} bounds */
  _fitWhole(map, bounds) {
    const again = () => this._fit(bounds, { instant: true });
    const moved = (/** @type {{originalEvent?: Event}} */ e) => { if (e.originalEvent) this._endWhole(); };
    this._endWhole();
    this._endWhole = () => { map.off('resize', again); map.off('movestart', moved); };
    map.on('resize', again);
    map.on('movestart', moved);
    again();
  }

  /** Draw the raster layer: all that a slider changes. */
  async _picture() {
    const { store, catalogue, service } = this._app;
    const index = await catalogue.tiles(store.state.result);
    const { state } = store;
    if (!this.raster || index.id !== state.result) return;
    const layer = index.layers.find((l) => l.type === 'raster' && l.id === state.layer);
    this.raster.opacity = state.opacity;
    this.raster.show(layer ? tilesOf(service, index.id, layer, state) : '', index.attribution);
  }

  /** @param {TileIndex} index @param {number} turn */
  async _overlays(index, turn) {
    const { wanted, colours } = await overlaysOf(this._app, index, this._app.store.state);
    if (this._app.store.state.result === index.id && turn === this._turn) this.vectors?.show(wanted, colours, index.bounds, isDark());
  }
}

/**
 * The vector layers that a state asks for, as `Vectors.show` takes them.
 * @param {App} app @param {TileIndex} index @param {State} state
 */
export async function overlaysOf(app, index, state) {
  const { service, settings } = app;
  const colours = await classColours(app, index);
  const wanted = [];
  for (const id of OVERLAYS) {
    const layer = index.layers.find((l) => l.type === 'vector' && l.id === id);
    if (!layer || !state.overlays.includes(id) || (layer.guarded && !settings.facilities && !service.key)) continue;
    const { maxzoom } = await service.get(`tiles/${index.id}/${id}/WebMercatorQuad/tilejson.json`);
    wanted.push({ id, tiles: tilesOf(service, index.id, layer, state), maxzoom });
  }
  return { wanted, colours };
}

/** Put the base layer under a map, or take it away. @param {maplibre.Map} map @param {App} app */
export function showBase(map, app) {
  const { basemap } = app.settings;
  if (!basemap) return;
  const wanted = app.store.state.overlays.includes('base');
  if (wanted && !map.getSource('base')) {
    map.addSource('base', { type: 'raster', tiles: [basemap.url], tileSize: 256, attribution: escaped(basemap.attribution) });
    const first = map.getStyle().layers.find((l) => l.id !== 'ground');
    map.addLayer({ id: 'base', type: 'raster', source: 'base' }, first?.id);
  } else if (!wanted && map.getSource('base')) {
    map.removeLayer('base');
    map.removeSource('base');
  }
}

/** Colours of classes by code, as the legend has them. @param {App} app @param {TileIndex} index @returns {Promise<Record<string, string>>} */
export async function classColours(app, index) {
  const layer = index.layers.find((l) => l.type === 'raster' && (l.kind === 'class' || l.kind === 'zoned'));
  if (!layer) return {};
  const legend = await app.service.get(`tiles/${index.id}/${layer.id}/legend.json`);
  return Object.fromEntries(legend.entries.map((/** @type {{code: string, colour: string}} */ e) => [e.code, e.colour]));
}

/** @param {number[]} a @param {number[]} b */
function overlap(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
