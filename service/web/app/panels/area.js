/** Panel: a polygon, drawn, read from a file or taken from a unit, and the exact statistics of what lies in it. */

import { fill, h } from '../element.js';
import { words } from '../language.js';
import { Latest } from '../latest.js';
import { Drawing } from '../map/drawing.js';
import { classColours } from '../map/canvas.js';
import { mountDrawingBar } from '../map/drawingbar.js';
import { Unread, readFile, readText } from '../map/geojson.js';
import { areaOf, boundsOf, encode, geometryOf, outlineOf } from '../map/polygon.js';
import { Refusal, saveBlob } from '../service.js';
import { csvOf, geojsonOf, jsonOf } from './areafiles.js';
import { insideOf } from './inside.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('../map/polygon.js').Area} Area */
/** @typedef {import('./inside.js').Inside} Inside */

const W = words({
  begin: ['在地图上画出范围，或给出 GeoJSON，即可得到其中排放的精确统计。', 'Draw an area on the map, or give a GeoJSON: exact statistics of what is emitted inside.'],
  draw: ['画多边形', 'Draw a polygon'],
  box: ['画矩形', 'Draw a rectangle'],
  edit: ['编辑顶点', 'Edit corners'],
  clear: ['清除', 'Clear'],
  unit: ['统计已打开的单元 {code}', 'Statistics of the open unit {code}'],
  give: ['上传或粘贴 GeoJSON', 'Upload or paste GeoJSON'],
  file: ['GeoJSON 文件', 'GeoJSON file'],
  paste: ['GeoJSON 文本，或每行一个顶点：经度, 纬度', 'GeoJSON text, or a corner a line: longitude, latitude'],
  use: ['使用此文本', 'Use this text'],
  formats: ['Polygon、MultiPolygon，或含有它们的 Feature、FeatureCollection；经纬度，经度在前；最大 10 MB。文件只在本浏览器中读取，多边形只发往本服务。', 'Polygon, MultiPolygon, or a Feature or FeatureCollection of these; longitude first, in degrees; 10 MB at most. The file is read in this browser; the polygon goes to this service alone.'],
  text: ['粘贴的文本', 'Pasted text'],
  ground: ['网格排放只计辖区内的土地部分（与管控单元算法相同）', 'Count a cell’s mass on its ground inside the jurisdictions alone, as control units do'],
  polygon: ['多边形', 'Polygon'],
  ofUnit: ['单元 {code}', 'Unit {code}'],
  notInLink: ['此多边形顶点较多，不在分享链接中；可下载 GeoJSON 另行发送。', 'This polygon has many corners and is not in the shared link; send its GeoJSON instead.'],
  zoom: ['缩放至此', 'Zoom to it'],
  asked: ['正在计算…', 'Working it out …'],
  slow: ['正在计算…首次提问需先整理数据，可能要十几秒。', 'Working it out … The first question lays out the data and can take a while.'],
  again: ['重试', 'Try again'],
  save: ['下载', 'Download'],
  csv: ['统计 CSV', 'Statistics, CSV'],
  json: ['统计 JSON', 'Statistics, JSON'],
  geojson: ['多边形 GeoJSON', 'Polygon, GeoJSON'],
  noMap: ['此浏览器不能显示地图；仍可上传或粘贴多边形。', 'This browser shows no map; a polygon can still be uploaded or pasted.'],
});
const SLOW_MS = 2_000;
const TURNS = 8;
const PAUSE_MS = 2_500;

/** @type {import('../types.js').Mount} */
export function mountArea(root, app) {
  const panel = new AreaPanel(root, app);
  return () => panel.end();
}

class AreaPanel {
  /** @param {HTMLElement} root @param {App} app */
  constructor(root, app) {
    this._app = app;
    this._species = app.store.state.rank;
    this._slow = 0;
    /** @type {import('../map/drawing.js').Mode} */
    this._mode = '';
    /** @type {Inside | null} */
    this._answer = null;
    this._drawing = new Drawing(app, { changed: () => this._renderTools(), closed: (corners) => this._set(areaOf([[[...corners, corners[0]]]])) });
    this._tools = h('div', { class: 'row' });
    this._wrong = h('p', { class: 'wrong', role: 'alert' });
    this._about = h('div', {});
    this._told = h('p', { class: 'hint', role: 'status', 'aria-live': 'polite' });
    this._inside = h('div', { class: 'area-inside' });
    fill(root, h('p', { class: 'hint' }, W('begin')), this._tools, this._given(), this._wrong, this._about, this._told, this._inside);
    this._latest = new Latest((/** @type {null} */ _, signal) => this._ask(signal), (error) => this._failed(error));
    const { store } = app;
    this._ends = [
      mountDrawingBar(app, this._drawing),
      store.on(['area'], () => { this._renderTools(); this._renderAbout(); }),
      store.on(['unit', 'result'], () => this._renderTools()),
      store.on(['area', 'result', 'year', 'share', 'mode', 'least', 'size'], () => this._latest.ask(null)),
    ];
    // The panel that is open when the page begins is there before the map is.
    void Promise.resolve().then(() => app.canvas.ready).then(() => this._renderTools());
    this._renderTools();
    this._renderAbout();
    this._latest.ask(null);
  }

  end() {
    this._ends.splice(0).forEach((end) => end());
    this._drawing.end();
    this._latest.end();
    window.clearTimeout(this._slow);
  }

  /** @param {Area | null} area */
  _set(area) {
    fill(this._wrong);
    this._app.store.set({ area });
  }

  // -- the polygon ------------------------------------------------------------------------------------------------------

  _renderTools() {
    const { state } = this._app.store;
    const { mode, possible } = this._drawing;
    const outline = outlineOf(state.area);
    const kept = nameOf(this._tools);
    const tool = (/** @type {import('../map/drawing.js').Mode} */ name, /** @type {string} */ text, /** @type {boolean} */ able) => h('button', {
      type: 'button', class: mode === name ? 'strong' : '', 'data-name': `area-${name}`, 'aria-pressed': String(mode === name), disabled: !possible || !able,
      onclick: (/** @type {MouseEvent} */ e) => {
        if (mode === name) this._drawing.cancel();
        else this._drawing.begin(name, { corners: name === 'edit' ? outline ?? [] : [], keyed: e.detail === 0 });
      },
    }, text);
    fill(this._tools,
      tool('polygon', W('draw'), true), tool('rectangle', W('box'), true),
      outline ? tool('edit', W('edit'), true) : null,
      state.area ? h('button', { type: 'button', 'data-name': 'area-clear', onclick: () => { this._drawing.end(); this._set(null); } }, W('clear')) : null,
      state.unit ? h('button', { type: 'button', 'data-name': 'area-unit', onclick: () => { void this._takeUnit(state.unit); } }, W('unit', { code: state.unit })) : null,
      this._app.canvas?.available === false && !this._app.canvas.map ? h('p', { class: 'hint' }, W('noMap')) : null);
    // What ends a drawing goes away with it: the focus returns to where it began.
    focusOn(this._tools, this._mode && !mode ? `area-${this._mode}` : kept);
    this._mode = mode;
  }

  /** A file or a text with a polygon. */
  _given() {
    const take = async (/** @type {() => Area | Promise<Area>} */ read) => {
      try {
        this._show(await read());
      } catch (error) {
        if (!(error instanceof Unread)) throw error;
        fill(this._wrong, error.message);
      }
    };
    const file = h('input', { type: 'file', accept: '.geojson,.json,application/geo+json,application/json', onchange: (/** @type {any} */ e) => {
      const [first] = e.target.files;
      if (first) void take(() => readFile(first));
      e.target.value = '';
    } });
    const text = h('textarea', { rows: 4, spellcheck: 'false', class: 'area-text' });
    const box = h('details', { class: 'area-given' }, h('summary', {}, W('give')),
      h('label', { class: 'field' }, h('span', {}, W('file')), file),
      h('label', { class: 'field' }, h('span', {}, W('paste')), text),
      h('button', { type: 'button', onclick: () => { void take(() => readText(text.value, W('text'))); } }, W('use')),
      h('p', { class: 'hint' }, W('formats')));
    box.addEventListener('dragover', (e) => e.preventDefault());
    box.addEventListener('drop', (e) => {
      e.preventDefault();
      const first = e.dataTransfer?.files[0];
      if (first) void take(() => readFile(first));
    });
    return box;
  }

  /** Take an area that came from elsewhere, and go there. @param {Area} area */
  _show(area) {
    this._drawing.end();
    this._set(area);
    this._renderTools();
    this._app.canvas.fit(boundsOf(area));
  }

  /** The polygon of a unit, counted as units are. @param {string} code */
  async _takeUnit(code) {
    const { service, store, frame } = this._app;
    try {
      const { geometry } = await service.get(`ogc/collections/${store.state.result}.units/items/${encodeURIComponent(code)}`);
      const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
      this._show(areaOf(polygons, { name: W('ofUnit', { code }), ground: true }));
    } catch (error) {
      frame.say(/** @type {Error} */ (error).message, true);
    }
  }

  _renderAbout() {
    const { area } = this._app.store.state;
    if (!area) return fill(this._about);
    const kept = nameOf(this._about);
    const ground = h('input', { type: 'checkbox', checked: area.ground, 'data-name': 'area-ground', onchange: (/** @type {any} */ e) => this._set({ ...area, ground: e.target.checked }) });
    fill(this._about,
      h('div', { class: 'row area-name' }, h('strong', {}, area.name || W('polygon')),
        h('button', { type: 'button', class: 'plain', 'data-name': 'area-zoom', onclick: () => this._app.canvas.fit(boundsOf(area)) }, W('zoom'))),
      h('label', { class: 'check' }, ground, W('ground')),
      encode(area) === null ? h('p', { class: 'hint' }, W('notInLink')) : null);
    focusOn(this._about, kept);
  }

  // -- what lies in it --------------------------------------------------------------------------------------------------

  /** @param {AbortSignal} signal */
  async _ask(signal) {
    const { service, store, catalogue } = this._app;
    const { area, result, year, share, mode, least, size } = store.state;
    if (!area) {
      this._answer = null;
      fill(this._told);
      return fill(this._inside);
    }
    this._wait(true);
    const body = JSON.stringify(geometryOf(area));
    const query = { year, ground: area.ground || undefined, top: 10, share, mode, min_pollutants: least, min_cells: size };
    const [answer, known, index] = await Promise.all([
      patiently(() => service.post(`api/results/${result}/zonal`, query, body, 'application/json', signal), signal),
      catalogue.result(result), catalogue.tiles(result)]);
    const colours = await classColours(this._app, index);
    if (signal.aborted || store.state.area !== area) return;
    this._wait(false);
    this._answer = answer;
    this._render(area, answer, known, colours);
  }

  /** @param {boolean} waiting */
  _wait(waiting) {
    window.clearTimeout(this._slow);
    fill(this._told, waiting ? W('asked') : '');
    fill(this._wrong);
    this._inside.setAttribute('aria-busy', String(waiting));
    if (waiting) this._slow = window.setTimeout(() => fill(this._told, W('slow')), SLOW_MS);
  }

  /** @param {Error} error */
  _failed(error) {
    this._wait(false);
    this._answer = null;
    fill(this._inside);
    const worth = !(error instanceof Refusal) || error.status === 0 || error.status === 429 || error.status >= 500;
    fill(this._wrong, error.message, worth ? [' ', h('button', { type: 'button', class: 'plain', onclick: () => this._latest.ask(null) }, W('again'))] : null);
  }

  /** @param {Area} area That was asked about. @param {Inside} answer @param {import('../types.js').Result} result @param {Record<string, string>} colours */
  _render(area, answer, result, colours) {
    const kept = nameOf(this._inside);
    const save = (/** @type {string} */ name, /** @type {string} */ text, /** @type {string} */ ending, /** @type {() => Blob} */ blob) =>
      h('button', { type: 'button', 'data-name': `save-${name}`, onclick: () => saveBlob(blob(), `${answer.result}-${answer.year}-area.${ending}`) }, text);
    fill(this._inside,
      ...insideOf(answer, result, {
        species: this._species, colours, zoned: result.kind === 'zoning' && result.years.includes(answer.year),
        choose: (code) => { this._species = code; this._render(area, answer, result, colours); },
      }),
      h('h3', {}, W('save')),
      h('div', { class: 'row' }, save('csv', W('csv'), 'csv', () => csvOf(answer, result)), save('json', W('json'), 'json', () => jsonOf(answer)), save('geojson', W('geojson'), 'geojson', () => geojsonOf(area, answer))));
    focusOn(this._inside, kept);
  }
}

/**
 * Ask again while the service says that it is still at it: the work goes on, and a later answer finds it done.
 * @template T @param {() => Promise<T>} ask @param {AbortSignal} signal @returns {Promise<T>}
 */
async function patiently(ask, signal) {
  for (let turn = 1; ; turn += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 503 || turn >= TURNS || signal.aborted) throw error;
      await new Promise((resolve) => { window.setTimeout(resolve, PAUSE_MS); });
    }
  }
}

/** The name of what has the focus in there. @param {HTMLElement} root */
function nameOf(root) {
  const at = document.activeElement;
  return at instanceof HTMLElement && root.contains(at) ? at.dataset.name ?? '' : '';
}

/** @param {HTMLElement} root @param {string} name */
function focusOn(root, name) {
  if (name) /** @type {HTMLElement | null} */ (root.querySelector(`[data-name="${CSS.escape(name)}"]`))?.focus({ preventScroll: true });
}
