/** Addresses of tiles and legends of a layer, as the state asks for them: parameters that are the defaults are left out. */

import { isDark } from '../theme.js';

/** @typedef {import('../types.js').State} State */
/** @typedef {import('../types.js').Layer} Layer */

const NIGHT = 'night';

/** Parameters of a layer that differ from its defaults. @param {Layer} layer @param {State} state @returns {Record<string, string | number>} */
export function parametersOf(layer, state) {
  /** @type {Record<string, string | number>} */
  const wanted = {
    year: state.year, from: state.from, to: state.year, share: state.share, mode: state.mode,
    min_pollutants: state.least, min_cells: state.size,
  };
  // A change is between two years: from the year that is shown there is none to itself.
  if (wanted.from === wanted.to) wanted.from = Number(otherYear(layer, state.year) ?? wanted.from);
  /** @type {Record<string, string | number>} */
  const found = {};
  for (const { name, schema } of layer.parameters) {
    const value = wanted[name];
    if (value === undefined || value === schema.default || !allowed(value, schema)) continue;
    found[name] = value;
  }
  return found;
}

/** The year nearest to one from which a layer can show the change. @param {Layer} layer @param {number} year @returns {number | undefined} */
export function otherYear(layer, year) {
  const years = (layer.parameters.find((p) => p.name === 'from')?.schema.enum ?? []).map(Number).filter((y) => y !== year);
  return years.sort((a, b) => Math.abs(a - year) - Math.abs(b - year))[0];
}

/** The style to draw with: the state's, if the layer has it, else the layer's first, or on a dark page the one that glows. @param {Layer} layer @param {State} state @param {boolean} [dark] */
export function styleOf(layer, state, dark = isDark()) {
  const styles = layer.styles ?? [];
  if (styles.includes(state.style)) return state.style;
  return dark && styles.includes(NIGHT) ? NIGHT : styles[0] ?? '';
}

/**
 * Template of the addresses of a layer's tiles.
 * @param {import('../service.js').Service} service @param {string} result @param {Layer} layer @param {State} state
 */
export function tilesOf(service, result, layer, state) {
  const form = layer.type === 'raster' ? 'png' : 'mvt';
  const query = { ...parametersOf(layer, state), ...(layer.type === 'raster' ? styleQuery(layer, state) : {}) };
  return service.address(`tiles/${result}/${layer.id}/WebMercatorQuad/Z/X/Y.${form}`, query).replace('/Z/X/Y.', '/{z}/{x}/{y}.');
}

/** The query of a layer's legend. @param {Layer} layer @param {State} state */
export function legendQuery(layer, state) {
  return { ...parametersOf(layer, state), ...styleQuery(layer, state) };
}

/** @param {Layer} layer @param {State} state */
function styleQuery(layer, state) {
  const style = styleOf(layer, state);
  return style && style !== layer.styles?.[0] ? { style } : {};
}

/** @param {string | number} value @param {import('../types.js').Parameter['schema']} schema */
function allowed(value, schema) {
  if (schema.enum) return schema.enum.includes(value);
  const size = Number(value);
  return (schema.minimum === undefined || size >= schema.minimum) && (schema.maximum === undefined || size <= schema.maximum);
}
