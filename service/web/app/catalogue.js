/** What is published: results, the layers of each, and which belong together. */

import { language, named, words } from './language.js';
import { species } from './numbers.js';

/** @typedef {import('./types.js').ResultHead} ResultHead */
/** @typedef {import('./types.js').Result} Result */
/** @typedef {import('./types.js').TileIndex} TileIndex */
/** @typedef {import('./types.js').Layer} Layer */

const W = words({
  run: ['清单网格化', 'Run'],
  zoning: ['区划', 'Zoning'],
  comparison: ['对比', 'Comparison'],
});

export class Catalogue {
  /** @param {import('./service.js').Service} service @param {ResultHead[]} heads Newest first. */
  constructor(service, heads) {
    this._service = service;
    this.heads = heads;
  }

  /** The head of a result. @param {string} id */
  head(id) {
    return this.heads.find((h) => h.id === id);
  }

  /** Runs and zonings, which a map can begin with. */
  get shown() {
    return this.heads.filter((h) => h.kind !== 'comparison');
  }

  /** Id of the run behind a result. @param {string} id */
  runOf(id) {
    return this.head(id)?.run ?? id;
  }

  /** Zonings of the same run, the newest of each year first. @param {string} id */
  zoningsOf(id) {
    const run = this.runOf(id);
    return this.heads.filter((h) => h.kind === 'zoning' && h.run === run);
  }

  /** The newest comparison of two zonings, if one is published. @param {string} a @param {string} b */
  comparisonOf(a, b) {
    return this.heads.find((h) => h.kind === 'comparison' && ((h.a === a && h.b === b) || (h.a === b && h.b === a)));
  }

  /** All that is known of a result. @param {string} id @returns {Promise<Result>} */
  result(id) {
    return this._service.get(`api/results/${id}`);
  }

  /** Its tile layers. @param {string} id @returns {Promise<TileIndex>} */
  tiles(id) {
    return this._service.get(`tiles/${id}`);
  }

  /** What a result is called in lists. @param {ResultHead} head */
  title(head) {
    const years = head.years.length > 1 ? `${Math.min(...head.years)}–${Math.max(...head.years)}` : `${head.years[0] ?? ''}`;
    return `${W(head.kind)} · ${head.name}${head.name.includes(years) ? '' : ` · ${years}`}${head.label ? ` · ${head.label}` : ''}`;
  }
}

/** What a sector is called. @param {Result} result @param {string} code */
export function sectorName(result, code) {
  const found = (result.manifest.sectors ?? []).find((/** @type {any} */ s) => s.code === code);
  return found ? (language() === 'zh' ? found.name_zh || found.name : found.name || found.name_zh) : code;
}

/** What a layer is called. @param {Layer} layer */
export function layerTitle(layer) {
  const title = named(layer, 'title');
  return layer.species ? title.replace(/\b(CO2|PM2\.5|SO2|PM10|NH3)\b/g, (/** @type {string} */ code) => species(code.toLowerCase().replace('.', ''))) : title;
}
