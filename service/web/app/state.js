/** What the page shows, in one place: who changes it does not know who shows it. */

/** @typedef {import('./types.js').State} State */

/** @type {State} */
export const DEFAULTS = {
  result: '', year: 0, layer: '', style: '', opacity: 0.85, overlays: ['region-domain', 'region-county', 'units'],
  share: 0.05, mode: 'area', least: 2, size: 1, rank: '', from: 0,
  panel: 'layers', unit: '', cell: null, compare: '', swipe: 0.5, table: '', area: null, view: null,
};

export class Store {
  /** @param {Partial<State>} [first] */
  constructor(first = {}) {
    /** @type {State} */
    this.state = { ...DEFAULTS, ...first };
    /** @type {Set<{keys: Set<keyof State>, told: (state: State, before: State) => void}>} */
    this._listeners = new Set();
  }

  /** Change some of the state, and tell who listens to what really changed. @param {Partial<State>} change */
  set(change) {
    const before = this.state;
    const after = { ...before, ...change };
    const changed = /** @type {(keyof State)[]} */ (Object.keys(change)).filter((k) => !same(before[k], after[k]));
    if (!changed.length) return;
    this.state = after;
    for (const { keys, told } of [...this._listeners]) if (changed.some((k) => keys.has(k))) told(this.state, before);
  }

  /**
   * Be told when one of these keys changes; gives back what ends it.
   * @param {(keyof State)[]} keys
   * @param {(state: State, before: State) => void} told
   */
  on(keys, told) {
    const listener = { keys: new Set(keys), told };
    this._listeners.add(listener);
    return () => { this._listeners.delete(listener); };
  }
}

/** @param {unknown} a @param {unknown} b */
function same(a, b) {
  return a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));
}
