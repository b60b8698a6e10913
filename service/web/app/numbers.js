/** Numbers as people read them, and the names of species and units. */

import { language } from './language.js';

const SPECIES = { co2: 'CO₂', nox: 'NOx', pm25: 'PM₂.₅', vocs: 'VOCs', so2: 'SO₂', pm10: 'PM₁₀', nh3: 'NH₃', co: 'CO', bc: 'BC', oc: 'OC' };

/** A number with three or four significant digits and separators of thousands. @param {number | null | undefined} value */
export function amount(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return value.toExponential(1).replace('e-', ' × 10⁻').replace(/⁻(\d+)$/, (_, d) => `⁻${raised(d)}`);
  return new Intl.NumberFormat('en', size >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 4 }).format(value);
}

/** A mass in tonnes, in kt or Mt (万吨, 亿吨 in Chinese) where it is large, with its unit. @param {number | null | undefined} tonnes */
export function mass(tonnes) {
  if (tonnes === null || tonnes === undefined || !Number.isFinite(tonnes)) return '–';
  const size = Math.abs(tonnes);
  const steps = language() === 'zh' ? [[1e8, '亿吨'], [1e4, '万吨'], [1, '吨']] : [[1e6, 'Mt'], [1e3, 'kt'], [1, 't']];
  const [by, unit] = /** @type {[number, string]} */ (steps.find(([least]) => size >= Number(least)) ?? steps[2]);
  return `${amount(Number((tonnes / by).toPrecision(4)))} ${unit}`;
}

/** A share as per cent. @param {number | null | undefined} value @param {number} [digits] */
export function percent(value, digits = 1) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const hundred = value * 100;
  if (hundred !== 0 && Math.abs(hundred) < 10 ** -digits / 2) return `< ${(10 ** -digits).toFixed(digits)} %`;
  return `${hundred.toFixed(digits)} %`;
}

/** A count. @param {number | null | undefined} value */
export function count(value) {
  return value === null || value === undefined ? '–' : new Intl.NumberFormat('en', { maximumFractionDigits: 0 }).format(value);
}

/** A species' code as it is printed. @param {string} code */
export function species(code) {
  return Object.hasOwn(SPECIES, code) ? SPECIES[/** @type {keyof typeof SPECIES} */ (code)] : code.toUpperCase();
}

/** Degrees with their side of the globe. @param {number} lon @param {number} lat @param {number} [digits] */
export function degrees(lon, lat, digits = 4) {
  return `${Math.abs(lat).toFixed(digits)}° ${lat < 0 ? 'S' : 'N'}, ${Math.abs(lon).toFixed(digits)}° ${lon < 0 ? 'W' : 'E'}`;
}

/** @param {string} digits */
function raised(digits) {
  return digits.replace(/\d/g, (d) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(d)]);
}
