/** SHA-256 (FIPS 180-4) of bytes: the browser has one, but not on pages that came by plain http, and those are printed, too. */

/** Fractions of the square roots of the first primes, and of the cube roots. */
const PRIMES = Array.from({ length: 312 }, (_, n) => n).filter((n) => n > 1 && Array.from({ length: n - 2 }, (_, k) => k + 2).every((d) => n % d)).slice(0, 64);
const fraction = (/** @type {number} */ root) => Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
const BEGIN = PRIMES.slice(0, 8).map((p) => fraction(Math.sqrt(p)));
const ROUNDS = PRIMES.map((p) => fraction(Math.cbrt(p)));

/** @param {Uint8Array} bytes @returns {string} In hexadecimal. */
export function sha256(bytes) {
  const state = Int32Array.from(BEGIN);
  const words = new Int32Array(64);
  const whole = padded(bytes);
  for (let at = 0; at < whole.byteLength; at += 64) mix(state, words, whole, at);
  return [...state].map((v) => (v >>> 0).toString(16).padStart(8, '0')).join('');
}

/** With the closing bit and the length in bits. @param {Uint8Array} bytes */
function padded(bytes) {
  const out = new DataView(new ArrayBuffer((Math.floor((bytes.length + 8) / 64) + 1) * 64));
  new Uint8Array(out.buffer).set(bytes);
  out.setUint8(bytes.length, 0x80);
  out.setUint32(out.byteLength - 8, Math.floor(bytes.length / 2 ** 29));
  out.setUint32(out.byteLength - 4, bytes.length * 8);
  return out;
}

/** One block. @param {Int32Array} state @param {Int32Array} words @param {DataView} whole @param {number} at */
function mix(state, words, whole, at) {
  for (let k = 0; k < 16; k += 1) words[k] = whole.getInt32(at + 4 * k);
  for (let k = 16; k < 64; k += 1) {
    const [a, b] = [words[k - 15], words[k - 2]];
    words[k] = (words[k - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + words[k - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10))) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let k = 0; k < 64; k += 1) {
    const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS[k] + words[k]) | 0;
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((v, k) => { state[k] = (state[k] + v) | 0; });
}

/** @param {number} value @param {number} by */
function turn(value, by) {
  return (value >>> by) | (value << (32 - by));
}
