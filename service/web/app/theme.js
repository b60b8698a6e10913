/** Light or dark: as the system says, or as the reader chose here. */

/** @typedef {import('./types.js').Theme} Theme */

const KEPT = 'cozone.theme';
const system = matchMedia('(prefers-color-scheme: dark)');
/** @type {Set<(dark: boolean) => void>} */
const listeners = new Set();
/** @type {Theme} */
let chosen = 'auto';

/** Begin as the last visit ended. */
export function beginTheme() {
  let kept = null;
  try { kept = localStorage.getItem(KEPT); } catch { /* nothing kept */ }
  chooseTheme(kept === 'light' || kept === 'dark' ? kept : 'auto');
  system.addEventListener('change', tell);
}

/** @returns {Theme} */
export function theme() {
  return chosen;
}

/** @returns {boolean} */
export function isDark() {
  return chosen === 'dark' || (chosen === 'auto' && system.matches);
}

/** @param {Theme} wanted */
export function chooseTheme(wanted) {
  chosen = wanted;
  try { localStorage.setItem(KEPT, wanted); } catch { /* nothing kept */ }
  document.documentElement.dataset.theme = wanted;
  tell();
}

/** Be told when it changes; gives back what ends it. @param {(dark: boolean) => void} told */
export function onTheme(told) {
  listeners.add(told);
  return () => { listeners.delete(told); };
}

function tell() {
  for (const told of listeners) told(isDark());
}
