/** Chinese and English: each module holds its own words, this one knows which of the two is spoken. */

/** @typedef {import('./types.js').Language} Language */

const KEPT = 'cozone.language';
let spoken = first();

/** The language that is spoken now. @returns {Language} */
export function language() {
  return spoken;
}

/** Speak another; remembered for the next visit. @param {Language} wanted */
export function speak(wanted) {
  spoken = wanted;
  try { localStorage.setItem(KEPT, wanted); } catch { /* a browser that keeps nothing still shows the page */ }
  document.documentElement.lang = wanted === 'zh' ? 'zh-CN' : 'en';
}

/**
 * Words of a module: a table from a key to [中文, English], in which {name} stands for a value.
 * @template {Record<string, [string, string]>} T
 * @param {T} table
 * @returns {(key: keyof T, values?: Record<string, string | number>) => string}
 */
export function words(table) {
  return (key, values = {}) =>
    table[key][spoken === 'zh' ? 0 : 1].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? `{${name}}`));
}

/**
 * What a thing of the service is called: its `_zh` or `_en` field, else the other, else nothing.
 * @param {Record<string, any>} thing
 * @param {string} [field]
 */
export function named(thing, field = 'name') {
  const zh = thing[`${field}_zh`] || '';
  const en = thing[`${field}_en`] || thing[field] || '';
  return spoken === 'zh' ? zh || en : en || zh;
}

/** @returns {Language} */
function first() {
  let kept = null;
  try { kept = localStorage.getItem(KEPT); } catch { /* see above */ }
  if (kept === 'zh' || kept === 'en') return kept;
  const known = navigator.languages.find((l) => /^(zh|en)\b/i.test(l));
  return known?.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}
