/** A picture of the map for a report: the map as seen, title, legend with units, scale, source, and what was shown, down to the manifest. */

import { layerTitle } from './catalogue.js';
import { sha256 } from './digest.js';
import { named, words } from './language.js';
import { styleOf } from './map/address.js';
import { layersLegend, overlaysLegend } from './map/keys.js';
import { metresPerPixel, roundLength } from './map/position.js';
import { sceneOf } from './map/scene.js';
import { otherSide } from './map/swipe.js';
import { degrees } from './numbers.js';
import { INKS, Paper } from './paper.js';

/** @typedef {import('./types.js').App} App */
/** @typedef {import('./types.js').State} State */
/** @typedef {import('./paper.js').Block} Block */
/** @typedef {{result: string, state: State, name: string, from: number, to: number}} Side What the map shows from one part of its width to another. */
/** @typedef {'screen' | 'a4'} Size */

const W = words({
  result: ['成果 {id}；成果元数据（manifest）SHA-256 {digest}', 'Result {id}; its manifest’s SHA-256 {digest}'],
  noManifest: ['无法读取 {id} 的成果元数据（{status}）', 'The manifest of {id} cannot be read ({status})'],
  date: ['制图 {date}，cozone；坐标系：Web 墨卡托（EPSG:3857）；图中央 {centre}，比例尺就该处纬度而言。', 'Drawn {date} with cozone; Web Mercator (EPSG:3857); centre {centre}, where the scale bar holds.'],
});
export const SIZES = /** @type {Size[]} */ (['screen', 'a4']);
const A4 = { width: 1754, height: 1240, ratio: 1.75 };
const MARGIN = 22;
const LEGEND = 205;
const NARROW = 560;

/** What the map shows, from left to right: one side, or both of a swipe. @param {App} app @returns {Side[]} */
function sidesOf(app) {
  const { state } = app.store;
  const other = otherSide(app);
  const own = { result: state.result, state, name: '', from: 0, to: 1 };
  if (!other) return [own];
  const head = app.catalogue.head(state.result);
  const name = other.result === state.result ? String(state.year) : head?.label || head?.name || '';
  return [{ ...own, name, to: state.swipe }, { ...other, from: state.swipe, to: 1 }];
}

/** A side in the colours that its layer has on such a ground, unless the reader chose others. @param {App} app @param {Side} side @param {boolean} dark @returns {Promise<Side>} */
async function onGround({ catalogue }, side, dark) {
  const layer = (await catalogue.tiles(side.result)).layers.find((l) => l.type === 'raster' && l.id === side.state.layer);
  return layer ? { ...side, state: { ...side.state, style: styleOf(layer, side.state, dark) } } : side;
}

/** The title that a picture has if the reader gives none. @param {App} app */
export async function titleOf(app) {
  const { state } = app.store;
  const { layers } = await app.catalogue.tiles(state.result);
  const layer = layers.find((l) => l.type === 'raster' && l.id === state.layer);
  const manifest = (await app.catalogue.result(state.result)).manifest;
  const name = named(manifest.run ?? {}, 'title') || app.catalogue.head(state.result)?.name || state.result;
  const sides = sidesOf(app).map((side) => side.name).filter(Boolean);
  const parts = [name, layer ? layerTitle(layer) : ''].filter(Boolean).join(' · ');
  if (sides.length) return `${parts} · ${sides.join(' / ')}`;
  return parts.includes(String(state.year)) ? parts : `${parts} · ${state.year}`;
}

/**
 * @param {App} app @param {{title: string, size: Size, dark: boolean}} wanted An empty title: `titleOf`.
 * @returns {Promise<{blob: Blob, name: string}>}
 */
export async function pictureOf(app, { title, size, dark }) {
  const { state } = app.store;
  const sides = await Promise.all(sidesOf(app).map((side) => onGround(app, side, dark)));
  const inks = INKS[dark ? 'dark' : 'light'];
  const texts = { title: title || await titleOf(app), foot: await footOf(app, sides) };
  const blocks = await layersLegend(app, sides);
  const family = getComputedStyle(document.body).fontFamily;
  await fontsFor([texts.title, ...texts.foot, ...blocks.flatMap((b) => [b.title, b.sub, b.note, ...b.entries.map((e) => e.text)])].join(''));
  const canvas = document.createElement('canvas');
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const paper = new Paper(context, inks, family);
  const stage = { width: app.canvas.root.clientWidth, height: app.canvas.root.clientHeight };
  const page = pageOf(paper, texts, stage, size);
  const scenes = await Promise.all(sides.map((side) => sceneOf(app, side, { ...page.map, ratio: page.ratio, nearer: page.nearer, dark })));
  blocks.push(...await overlaysLegend(app, scenes[0].strokes, dark));
  const bottom = page.beside ? 0 : paper.legend(blocks, 0, 0, page.legend.width, false) + 12;
  canvas.width = Math.round(page.width * page.ratio);
  canvas.height = Math.round((page.height + bottom) * page.ratio);
  context.scale(page.ratio, page.ratio);
  compose(paper, { page, texts, blocks, scenes, sides, height: page.height + bottom, perPixel: perPixel(app) / page.nearer });
  const blob = await new Promise((resolve, reject) => { canvas.toBlob((b) => (b ? resolve(b) : reject(new Error('PNG'))), 'image/png'); });
  return { blob: /** @type {Blob} */ (blob), name: `${state.result}-${state.layer || 'map'}-${state.year}.png` };
}

/** Source, result and manifest, date and projection. @param {App} app @param {Side[]} sides */
async function footOf(app, sides) {
  const ids = [...new Set(sides.map((side) => side.result))];
  const centre = app.canvas.map?.getCenter().wrap();
  const { attribution } = await app.catalogue.tiles(app.store.state.result);
  const base = app.store.state.overlays.includes('base') ? app.settings.basemap?.attribution ?? '' : '';
  const digests = await Promise.all(ids.map((id) => manifestDigest(app, id)));
  return [
    [attribution, base].filter(Boolean).join(' · '),
    ...ids.map((id, k) => W('result', { id, digest: digests[k] })),
    W('date', { date: today(), centre: centre ? degrees(centre.lng, centre.lat) : '' }),
  ];
}

/** SHA-256 of a result's manifest, as `sha256sum` has it of the file. @param {App} app @param {string} id */
async function manifestDigest({ service }, id) {
  const response = await fetch(service.address(`api/results/${id}/files/manifest.json`), { headers: service.headers() });
  if (!response.ok) throw new Error(W('noManifest', { id, status: response.status }));
  return sha256(new Uint8Array(await response.arrayBuffer()));
}

/** The day, as it is here. */
function today() {
  const now = new Date();
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((n) => String(n).padStart(2, '0')).join('-');
}

/** The shipped fonts, as far as a text needs them: a canvas does not wait for any. @param {string} text */
async function fontsFor(text) {
  await Promise.all([400, 600].map((weight) => document.fonts.load(`${weight} 16px "Cozone Sans"`, text))).catch(() => {});
}

// -- where things are on the page ---------------------------------------------------------------------------------------

/**
 * @typedef {object} Page Lengths in pixels of a page on the screen; `ratio` of the picture's to those.
 * @property {number} width
 * @property {number} height Without a legend below the map.
 * @property {number} ratio
 * @property {number} nearer How much larger things are than on the screen.
 * @property {number} seen How wide the part is that the screen shows.
 * @property {boolean} beside Whether the legend is beside the map.
 * @property {{width: number, height: number}} map
 * @property {{x: number, y: number}} at Upper left of the map.
 * @property {{x: number, y: number, width: number}} legend
 * @property {string[]} title
 * @property {string[]} foot
 */

/** @param {Paper} paper @param {{title: string, foot: string[]}} texts @param {{width: number, height: number}} stage @param {Size} size @returns {Page} */
function pageOf(paper, texts, stage, size) {
  const beside = size === 'a4' || stage.width >= NARROW;
  const ratio = size === 'a4' ? A4.ratio : Math.max(window.devicePixelRatio, 1);
  const side = beside ? LEGEND + MARGIN : 0;
  const width = size === 'a4' ? A4.width / ratio : stage.width + side + 2 * MARGIN;
  const title = paper.wrap(texts.title, width - 2 * MARGIN, 19, true);
  const foot = texts.foot.flatMap((line) => paper.wrap(line, width - 2 * MARGIN, 10.5));
  const head = MARGIN + paper.height(title, 19) + 10;
  const tail = paper.height(foot, 10.5) + 10 + MARGIN;
  const map = size === 'a4' ? { width: Math.floor(width - 2 * MARGIN - side), height: Math.floor(A4.height / ratio - head - tail) } : stage;
  const height = size === 'a4' ? A4.height / ratio : head + map.height + tail;
  const nearer = Math.min(map.width / stage.width, map.height / stage.height);
  return {
    width, height, ratio, beside, map, title, foot, nearer, seen: stage.width * nearer, at: { x: MARGIN, y: head },
    legend: beside ? { x: 2 * MARGIN + map.width, y: head, width: LEGEND } : { x: MARGIN, y: head + map.height + 12, width: width - 2 * MARGIN },
  };
}

/** @param {App} app */
function perPixel(app) {
  return app.canvas.map ? metresPerPixel(app.canvas.map) : 1;
}

/**
 * Everything onto the page.
 * @param {Paper} paper
 * @param {{page: Page, texts: {title: string}, blocks: Block[], scenes: {picture: HTMLCanvasElement}[], sides: Side[], height: number, perPixel: number}} parts
 */
function compose(paper, { page, blocks, scenes, sides, height, perPixel: metres }) {
  const { context: c, inks } = paper;
  const { x, y } = page.at;
  c.fillStyle = inks.ground;
  c.fillRect(0, 0, page.width, height);
  paper.write(page.title, MARGIN, MARGIN, { size: 19, strong: true });
  drawSides(paper, page, scenes, sides);
  c.strokeStyle = inks.line;
  c.lineWidth = 1;
  c.strokeRect(x, y, page.map.width, page.map.height);
  paper.scale(roundLength(metres), x + 8, y + page.map.height - 8);
  const needed = paper.legend(blocks, 0, 0, page.legend.width, false);
  const fit = page.beside ? Math.min(1, page.map.height / needed) : 1;
  c.save();
  c.translate(page.legend.x, page.legend.y);
  c.scale(fit, fit);
  paper.legend(blocks, 0, 0, page.legend.width / fit);
  c.restore();
  paper.write(page.foot, MARGIN, height - MARGIN - paper.height(page.foot, 10.5), { size: 10.5, colour: inks.soft });
}

/** @param {Paper} paper @param {Page} page @param {{picture: HTMLCanvasElement}[]} scenes @param {Side[]} sides */
function drawSides(paper, page, scenes, sides) {
  const { context: c, inks } = paper;
  const { width, height } = page.map;
  const { x, y } = page.at;
  // The line of a swipe stands at the same place of the ground as on the screen.
  const place = (/** @type {number} */ part) => (part <= 0 ? 0 : part >= 1 ? width : Math.min(width, Math.max(0, width / 2 + (part - 0.5) * page.seen)));
  sides.forEach((side, k) => {
    const [from, to] = [place(side.from), place(side.to)];
    c.save();
    c.beginPath();
    c.rect(x + from, y, to - from, height);
    c.clip();
    c.drawImage(scenes[k].picture, x, y, width, height);
    c.restore();
  });
  if (sides.length < 2) return;
  c.strokeStyle = inks.ink;
  c.lineWidth = 2;
  c.beginPath();
  c.moveTo(x + place(sides[0].to), y);
  c.lineTo(x + place(sides[0].to), y + height);
  c.stroke();
  paper.label(sides[0].name, x + 8, y + 8, 'left');
  paper.label(sides[1].name, x + width - 8, y + 8, 'right');
}
