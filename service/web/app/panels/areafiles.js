/** Statistics of a polygon as files: a table for spreadsheets, the answer as it came, the polygon. */

import { sectorName } from '../catalogue.js';
import { csvText } from '../charts/csv.js';
import { language } from '../language.js';
import { geometryOf } from '../map/polygon.js';
import { term } from '../vocabulary.js';

/** @typedef {import('./inside.js').Inside} Inside */
/** @typedef {import('../types.js').Result} Result */
/** @typedef {import('../map/polygon.js').Area} Area */

/** A row a number: what it is, of which species, of which part, how much, in what unit. @param {Inside} answer @param {Result} result */
export function csvOf(answer, result) {
  /** @type {(string | number | null)[][]} */
  const rows = [];
  const fact = (/** @type {string} */ code, /** @type {string | number} */ value, unit = '') => rows.push(['facts', '', code, '', value, unit]);
  fact('result', answer.result);
  fact('run', answer.run);
  fact('year', answer.year);
  fact('area', answer.area_km2, 'km2');
  fact('outside_share', answer.outside_share, '1');
  fact('cells', answer.cells, '1');
  fact('method', answer.method[language()]);
  for (const s of answer.species) {
    rows.push(['species', s.species, 'amount', '', s.amount_t, 't/yr'], ['species', s.species, 'density', '', s.density_t_km2, 't/(km2.yr)'], ['species', s.species, 'share', '', s.share, '1']);
    for (const [code, t] of Object.entries(s.sectors)) rows.push(['sectors', s.species, code, code && sectorName(result, code), t, 't/yr']);
    for (const [code, t] of Object.entries(s.tiers)) rows.push(['tiers', s.species, code, term('mass', code), t, 't/yr']);
  }
  for (const [code, value] of Object.entries(answer.at_threshold?.threshold ?? {})) if (code !== 'species') rows.push(['threshold', '', code, '', value, '']);
  for (const c of answer.at_threshold?.classes ?? []) rows.push(['classes at the threshold', '', c.class, term('class', c.class), c.area_km2, 'km2']);
  for (const c of answer.classes) rows.push(['classes', '', c.class, term('class', c.class), c.area_km2, 'km2']);
  for (const [species, list] of Object.entries(answer.contributors ?? {})) {
    for (const c of list) rows.push(['contributors', species, c.source_id, language() === 'zh' ? c.name_zh || c.name_en : c.name_en || c.name_zh, c.mass_t, 't/yr']);
  }
  return new Blob([csvText(['table', 'species', 'code', 'name', 'value', 'unit'], rows)], { type: 'text/csv' });
}

/** The polygon as GeoJSON, with what was asked. @param {Area} area @param {Inside | null} answer */
export function geojsonOf(area, answer) {
  const properties = { name: area.name, ...(answer ? { result: answer.result, year: answer.year, area_km2: answer.area_km2 } : {}) };
  return new Blob([JSON.stringify({ type: 'Feature', properties, geometry: geometryOf(area) })], { type: 'application/geo+json' });
}

/** The answer as it came. @param {Inside} answer */
export function jsonOf(answer) {
  return new Blob([`${JSON.stringify(answer, null, 1)}\n`], { type: 'application/json' });
}
