/** The polygon of a question: positions in degrees, as GeoJSON has them, and as a short text for the address. */

/**
 * @typedef {[number, number]} Position Longitude, latitude.
 * @typedef {Position[]} Ring Closed: the last position is the first.
 * @typedef {object} Area
 * @property {string} name What it is called: a file, a unit; empty for a drawn one, and for one from an address.
 * @property {boolean} ground Whether a cell's mass counts on its ground inside the jurisdictions alone, as control units do.
 * @property {Ring[][]} polygons Outlines, each with its holes.
 */

/** Corners of an area that the address holds. */
export const MOST_IN_ADDRESS = 60;
const LEAST_DIGITS = 5;
const MOST_DIGITS = 9;
const LONGEST = 4000;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * An area of these polygons. A small one is rounded to a tenth of a millimetre, so that the address tells it whole.
 * @param {number[][][][]} polygons @param {{name?: string, ground?: boolean}} [options]
 * @returns {Area}
 */
export function areaOf(polygons, { name = '', ground = false } = {}) {
  const places = corners(polygons) <= MOST_IN_ADDRESS ? MOST_DIGITS : 15;
  const at = (/** @type {number[]} */ p) => /** @type {Position} */ ([Number(p[0].toFixed(places)), Number(p[1].toFixed(places))]);
  return { name, ground, polygons: polygons.map((rings) => rings.map((ring) => ring.map(at))) };
}

/** How many corners polygons have. @param {number[][][][]} polygons */
export function corners(polygons) {
  return polygons.flat().reduce((sum, ring) => sum + ring.length - 1, 0);
}

/** As GeoJSON. @param {Area} area */
export function geometryOf({ polygons }) {
  return polygons.length === 1 ? { type: 'Polygon', coordinates: polygons[0] } : { type: 'MultiPolygon', coordinates: polygons };
}

/** West, south, east, north. @param {{polygons: number[][][][]}} area @returns {[number, number, number, number]} */
export function boundsOf({ polygons }) {
  const out = /** @type {[number, number, number, number]} */ ([Infinity, Infinity, -Infinity, -Infinity]);
  for (const [lon, lat] of polygons.flat(2)) {
    out[0] = Math.min(out[0], lon);
    out[1] = Math.min(out[1], lat);
    out[2] = Math.max(out[2], lon);
    out[3] = Math.max(out[3], lat);
  }
  return out;
}

/** The one outline of an area that can be edited by hand: no parts, no holes, not too many corners. Open: without the closing position. @param {Area | null} area @returns {Position[] | null} */
export function outlineOf(area) {
  if (!area || area.polygons.length !== 1 || area.polygons[0].length !== 1 || corners(area.polygons) > MOST_IN_ADDRESS) return null;
  return area.polygons[0][0].slice(0, -1);
}

/** Corners of the rectangle between two, anticlockwise; null where it has no area. @param {Position} a @param {Position} b @returns {Position[] | null} */
export function rectangleOf(a, b) {
  const [west, east] = [Math.min(a[0], b[0]), Math.max(a[0], b[0])];
  const [south, north] = [Math.min(a[1], b[1]), Math.max(a[1], b[1])];
  return west < east && south < north ? [[west, south], [east, south], [east, north], [west, north]] : null;
}

/** The middle of each side. @param {Position[]} corners @returns {Position[]} */
export function middlesOf(corners) {
  return corners.map((c, k) => { const next = corners[(k + 1) % corners.length]; return [(c[0] + next[0]) / 2, (c[1] + next[1]) / 2]; });
}

/**
 * A small area as text: how many decimals, then steps from corner to corner, `.` between rings and `*` between polygons; null for one that is too large.
 * @param {Area | null} area
 * @returns {string | null}
 */
export function encode(area) {
  if (!area || !area.polygons.length || corners(area.polygons) > MOST_IN_ADDRESS) return null;
  const digits = decimalsOf(area.polygons.flat(2).flat());
  let before = [0, 0];
  const ring = (/** @type {Ring} */ positions) => positions.slice(0, -1).map((position) => {
    const at = position.map((v) => Math.round(v * 10 ** digits));
    const text = symbols(at[0] - before[0]) + symbols(at[1] - before[1]);
    before = at;
    return text;
  }).join('');
  return `${area.ground ? 'g' : ''}${digits}${area.polygons.map((rings) => rings.map(ring).join('.')).join('*')}`;
}

/** The area of a text, undefined if it is none. @param {string} text @returns {Area | undefined} */
export function decode(text) {
  const head = /^(g?)([5-9])/.exec(text);
  if (!head || text.length > LONGEST) return undefined;
  const scale = 10 ** Number(head[2]);
  let before = [0, 0];
  const ring = (/** @type {string} */ part) => {
    const steps = numbers(part);
    if (!steps || steps.length % 2 || steps.length < 6) return null;
    const out = [];
    for (let k = 0; k < steps.length; k += 2) {
      before = [before[0] + steps[k], before[1] + steps[k + 1]];
      out.push([before[0] / scale, before[1] / scale]);
    }
    return out.every(([lon, lat]) => Math.abs(lon) <= 180 && Math.abs(lat) <= 90) ? [...out, out[0]] : null;
  };
  const polygons = text.slice(head[0].length).split('*').map((rings) => rings.split('.').map(ring));
  if (polygons.some((rings) => rings.includes(null))) return undefined;
  const found = /** @type {number[][][][]} */ (polygons);
  return corners(found) <= MOST_IN_ADDRESS ? areaOf(found, { ground: head[1] === 'g' }) : undefined;
}

/** The fewest decimals, from five on, that tell numbers to a tenth of a millimetre. @param {number[]} values */
function decimalsOf(values) {
  for (let digits = LEAST_DIGITS; digits < MOST_DIGITS; digits += 1) {
    if (values.every((v) => Math.abs(v - Number(v.toFixed(digits))) < 10 ** -MOST_DIGITS / 2)) return digits;
  }
  return MOST_DIGITS;
}

/** A whole number in symbols of five bits each, the lowest first; the sixth bit says that more follow, the lowest is the sign. @param {number} value */
function symbols(value) {
  let rest = value < 0 ? -value * 2 - 1 : value * 2;
  let out = '';
  // Divided, not shifted: 180 degrees in nine decimals has more than 32 bits.
  for (; rest >= 32; rest = Math.floor(rest / 32)) out += ALPHABET[(rest % 32) + 32];
  return out + ALPHABET[rest];
}

/** The numbers of such a text; null if it is none. @param {string} text @returns {number[] | null} */
function numbers(text) {
  const out = [];
  let value = 0;
  let weight = 1;
  for (const symbol of text) {
    const code = ALPHABET.indexOf(symbol);
    if (code < 0 || weight > 2 ** 45) return null;
    value += (code % 32) * weight;
    weight *= 32;
    if (code >= 32) continue;
    out.push(value % 2 ? -(value + 1) / 2 : value / 2);
    value = 0;
    weight = 1;
  }
  return weight === 1 ? out : null;
}
