/** Polygons out of a GeoJSON file or a list of corners, or a sentence that says what came and what is expected. Nothing leaves the browser for that. */

import { words } from '../language.js';
import { areaOf } from './polygon.js';

/** @typedef {import('./polygon.js').Area} Area */

const W = words({
  large: ['{file}：文件有 {size} MB，最多可读 {most} MB。请只导出所需的多边形，或先简化边界。', '{file} has {size} MB; {most} MB at most are read. Export only the polygons that are needed, or simplify them.'],
  empty: ['{file}：内容为空；需要 GeoJSON 多边形。', '{file} is empty; a GeoJSON polygon is expected.'],
  packed: ['{file}：这是压缩包（可能是 Shapefile）；需要 GeoJSON。在 QGIS 中：右键图层 › 导出 › 要素另存为 › GeoJSON，坐标系 EPSG:4326。', '{file} is an archive (a shapefile?); GeoJSON is expected. In QGIS: right-click the layer › Export › Save Features As › GeoJSON, CRS EPSG:4326.'],
  markup: ['{file}：这是 XML（KML、GML？）；需要 GeoJSON。在 QGIS 中可另存为 GeoJSON，坐标系 EPSG:4326。', '{file} is XML (KML, GML?); GeoJSON is expected. QGIS saves it as GeoJSON, CRS EPSG:4326.'],
  json: ['{file}：不是有效的 JSON（{reason}）；需要 GeoJSON 多边形。', '{file} is no valid JSON ({reason}); a GeoJSON polygon is expected.'],
  kind: ['{file}：其中是 {kind}；需要 Polygon、MultiPolygon，或含有它们的 Feature、FeatureCollection。', '{file} holds {kind}; a Polygon, a MultiPolygon, or a Feature or FeatureCollection of these is expected.'],
  member: ['{file}：第 {number} 个要素是 {kind}；所有要素都应为 Polygon 或 MultiPolygon。', 'Feature {number} of {file} is {kind}; all have to be a Polygon or MultiPolygon.'],
  none: ['{file}：没有任何要素；至少需要一个多边形。', '{file} has no features; one polygon at least is expected.'],
  crs: ['{file}：坐标系为 {crs}；需要经纬度（CRS84、EPSG:4326 或 EPSG:4490）。', 'The CRS of {file} is {crs}; longitude and latitude are expected (CRS84, EPSG:4326 or EPSG:4490).'],
  degrees: ['{file}：坐标 {position} 不是经纬度（经度 −180 至 180，纬度 −90 至 90，经度在前）。若为投影坐标，请先转换为 EPSG:4326。', '{file}: {position} is no longitude and latitude (−180 to 180, −90 to 90, longitude first). Transform projected coordinates to EPSG:4326 first.'],
  ring: ['{file}：有一个环只有 {count} 个位置；至少需要 4 个，且首尾相同。', '{file}: a ring has {count} positions; four at least are expected, the last the same as the first.'],
  open: ['{file}：有一个环没有闭合（首 {first}，尾 {last}）；首尾位置须相同。', '{file}: a ring is not closed (first {first}, last {last}); its last position has to be its first.'],
  shape: ['{file}：坐标的嵌套层次不符合 {kind}。', '{file}: the coordinates are not nested as those of a {kind}.'],
  nothing: ['无', 'nothing'],
});
const MOST_MB = 10;

/** What came is no polygon; the message says so to the reader. */
export class Unread extends Error {}

/** The area in a file. @param {File} file @returns {Promise<Area>} */
export async function readFile(file) {
  if (file.size > MOST_MB * 1e6) throw new Unread(W('large', { file: file.name, size: (file.size / 1e6).toFixed(1), most: MOST_MB }));
  return readText(await file.text(), file.name);
}

/**
 * The area in a text: GeoJSON, or a corner a line as longitude and latitude.
 * @param {string} text @param {string} file What the text is called in messages.
 * @returns {Area}
 */
export function readText(text, file) {
  const whole = text.replace(/^\uFEFF/, '').trim();
  if (!whole) throw new Unread(W('empty', { file }));
  if (whole.length > MOST_MB * 1e6) throw new Unread(W('large', { file, size: (whole.length / 1e6).toFixed(1), most: MOST_MB }));
  if (whole.startsWith('PK\u0003') || whole.startsWith('\u001f')) throw new Unread(W('packed', { file }));
  if (whole.startsWith('<')) throw new Unread(W('markup', { file }));
  const listed = linesOf(whole);
  return areaOf(listed ? checked([[listed]], 'Polygon', file) : polygonsOf(parsed(whole, file), file), { name: listed ? '' : file });
}

/** @param {string} text @param {string} file */
function parsed(text, file) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Unread(W('json', { file, reason: String(/** @type {Error} */ (error).message).slice(0, 120) }));
  }
}

/** A list of corners, one a line, closed here. @param {string} text @returns {number[][] | null} */
function linesOf(text) {
  const lines = text.split(/[\r\n;]+/).map((l) => l.trim()).filter(Boolean);
  const rows = lines.map((l) => l.split(/[\s,，\t]+/).filter(Boolean).map(Number));
  if (rows.length < 3 || rows.some((r) => r.length !== 2 || r.some((v) => !Number.isFinite(v)))) return null;
  const [first, last] = [rows[0], rows[rows.length - 1]];
  return first[0] === last[0] && first[1] === last[1] ? rows : [...rows, first];
}

/** @param {any} found @param {string} file @returns {number[][][][]} */
function polygonsOf(found, file) {
  const crs = found?.crs?.properties?.name;
  if (crs !== undefined && !/(CRS84|EPSG:+(4326|4490)|EPSG.*[:/](4326|4490))$/.test(String(crs))) throw new Unread(W('crs', { file, crs: String(crs).slice(0, 80) }));
  if (found?.type === 'Feature') return ofGeometry(found.geometry, file);
  if (found?.type !== 'FeatureCollection') return ofGeometry(found, file);
  const features = Array.isArray(found.features) ? found.features : [];
  if (!features.length) throw new Unread(W('none', { file }));
  return features.flatMap((/** @type {any} */ feature, /** @type {number} */ k) => {
    if (!isPolygon(feature?.geometry)) throw new Unread(W('member', { file, number: k + 1, kind: kindOf(feature?.geometry) }));
    return ofGeometry(feature.geometry, file);
  });
}

/** @param {any} geometry @param {string} file */
function ofGeometry(geometry, file) {
  if (!isPolygon(geometry)) throw new Unread(W('kind', { file, kind: kindOf(geometry) }));
  const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
  return checked(polygons, geometry.type, file);
}

/** @param {any} geometry */
function isPolygon(geometry) {
  return geometry?.type === 'Polygon' || geometry?.type === 'MultiPolygon';
}

/** What a thing calls itself. @param {any} thing */
function kindOf(thing) {
  if (thing === null || thing === undefined) return W('nothing');
  if (Array.isArray(thing)) return 'Array';
  return typeof thing === 'object' ? String(thing.type ?? 'Object').slice(0, 40) : typeof thing;
}

/** Positions with longitude and latitude alone, once everything is as it should be. @param {any} polygons @param {string} kind @param {string} file @returns {number[][][][]} */
function checked(polygons, kind, file) {
  const shape = () => new Unread(W('shape', { file, kind }));
  const list = (/** @type {any} */ value) => {
    if (!Array.isArray(value) || !value.length) throw shape();
    return value;
  };
  const position = (/** @type {any} */ at) => {
    const [lon, lat] = list(at);
    if (typeof lon !== 'number' || typeof lat !== 'number') throw shape();
    if (!(Math.abs(lon) <= 180 && Math.abs(lat) <= 90)) throw new Unread(W('degrees', { file, position: `${lon}, ${lat}` }));
    return [lon, lat];
  };
  const ring = (/** @type {any} */ positions) => {
    const out = list(positions).map(position);
    if (out.length < 4) throw new Unread(W('ring', { file, count: out.length }));
    const [first, last] = [out[0].join(', '), out[out.length - 1].join(', ')];
    if (first !== last) throw new Unread(W('open', { file, first, last }));
    return out;
  };
  return list(polygons).map((rings) => list(rings).map(ring));
}
