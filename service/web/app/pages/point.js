/** What the service knows of a place: asked once for each place, year and result. */

/** @typedef {import('../types.js').App} App */
/** @typedef {import('../types.js').Place} Place */

/** So many sources of each species are asked for. */
export const TOP = 50;

/** The answer to a click. @param {App} app @param {Place} place @returns {Promise<any>} */
export function pointAt({ store, service }, place) {
  const { result, year } = store.state;
  return service.get(`api/results/${result}/point`, { lon: place.lon, lat: place.lat, year: year || undefined, top: TOP });
}

/** A place as the address holds it. @param {{lon: number, lat: number}} at @returns {Place} */
export function placeOf({ lon, lat }) {
  return { lon: Number(lon.toFixed(6)), lat: Number(lat.toFixed(6)) };
}
