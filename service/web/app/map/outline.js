/** The polygon of a question on a map, above all else, until it is cleared. */

import { isDark, onTheme } from '../theme.js';
import { boundsOf, geometryOf } from './polygon.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('./polygon.js').Area} Area */
/** @typedef {import('../../vendor/maplibre-gl/maplibre-gl.mjs').Map} MapLibre */

const ID = 'area';
const NOTHING = { type: 'FeatureCollection', features: [] };

/** Colours for a theme: of the line, and of what sets it off. @param {boolean} dark */
function inks(dark) {
  return dark ? { line: '#ffffff', halo: '#10191b' } : { line: '#10191b', halo: '#ffffff' };
}

/** Show the state's area on the map for as long as the page lasts. @param {App} app */
export function beginOutline(app) {
  // A link may name an area without a view; the map itself sets one as soon as it is drawn.
  const { view } = app.store.state;
  void app.canvas.ready.then(() => {
    const { map } = app.canvas;
    if (!map) return;
    drawOutline(map, app);
    const { area } = app.store.state;
    if (area && !view) app.canvas.fit(boundsOf(area), { instant: true });
  });
}

/** Keep the state's area drawn on a map; gives back what ends it. @param {MapLibre} map @param {App} app @param {boolean} [dark] The map's ground; left out: as the page. */
export function drawOutline(map, app, dark) {
  const colour = (/** @type {boolean} */ night) => {
    const { line, halo } = inks(dark ?? night);
    map.setPaintProperty(`${ID}-halo`, 'line-color', halo);
    map.setPaintProperty(`${ID}-line`, 'line-color', line);
  };
  map.addSource(ID, { type: 'geojson', data: /** @type {any} */ (NOTHING) });
  // Lines alone: a tint would give what lies in it other colours than the legend has.
  map.addLayer({ id: `${ID}-halo`, type: 'line', source: ID, layout: { 'line-join': 'round' }, paint: { 'line-width': 5, 'line-opacity': 0.85 } });
  map.addLayer({ id: `${ID}-line`, type: 'line', source: ID, layout: { 'line-join': 'round' }, paint: { 'line-width': 2.2, 'line-dasharray': [3, 1.2] } });
  colour(isDark());
  const show = (/** @type {Area | null} */ area) => {
    const source = /** @type {any} */ (map.getSource(ID));
    source?.setData(area ? { type: 'Feature', properties: {}, geometry: geometryOf(area) } : NOTHING);
  };
  show(app.store.state.area);
  const ends = [app.store.on(['area'], ({ area }) => show(area)), onTheme(colour)];
  return () => ends.forEach((end) => end());
}
