/** Work that follows a hand: one piece at a time, and after it the newest wish, never those between. */

import { isAborted } from './service.js';

/**
 * Milliseconds that running work is left alone when something newer is wanted: most of it ends sooner, and what moves keeps moving.
 * The service does not stop what nobody waits for any more, so that giving up early makes it busier.
 */
const PATIENCE = 3000;

/** @template T */
export class Latest {
  /** @param {(wish: T, signal: AbortSignal) => Promise<void>} work @param {(error: any) => void} [failed] */
  constructor(work, failed = () => {}) {
    this._work = work;
    this._failed = failed;
    /** @type {{wish: T}[]} What comes next: nothing, or one. */
    this._next = [];
    /** @type {AbortController | null} */
    this._running = null;
    this._since = 0;
    this._timer = 0;
  }

  /** Want this instead of all that was wanted before. @param {T} wish @param {number} [patience] With what runs, ms. */
  ask(wish, patience = PATIENCE) {
    this._next = [{ wish }];
    if (!this._running) {
      this._begin();
      return;
    }
    const running = this._running;
    window.clearTimeout(this._timer);
    this._timer = window.setTimeout(() => running.abort(), Math.max(0, this._since + patience - performance.now()));
  }

  /** Give up what runs and what is wanted. */
  end() {
    window.clearTimeout(this._timer);
    this._next = [];
    this._running?.abort();
    this._running = null;
  }

  _begin() {
    const [next] = this._next.splice(0);
    const running = new AbortController();
    this._running = running;
    this._since = performance.now();
    this._work(next.wish, running.signal)
      .catch((error) => { if (!isAborted(error) && !running.signal.aborted) this._failed(error); })
      .finally(() => {
        if (this._running !== running) return;
        window.clearTimeout(this._timer);
        this._running = null;
        if (this._next.length) this._begin();
      });
  }
}
