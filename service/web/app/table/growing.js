/** Rows of a long list: loaded page by page as the reader comes to them, walked with the keyboard, one of them in the order of Tab. */

import { isAborted } from '../service.js';

/**
 * @template T
 * @typedef {object} Source
 * @property {(offset: number, limit: number, signal: AbortSignal) => Promise<{total: number, rows: T[]}>} page
 * @property {(item: T, index: number) => HTMLElement} row
 * @property {(item: T) => void} open What Enter or a click on a row does.
 * @property {(item: T) => void} zoom What the key Z does.
 * @property {(status: Status) => void} told
 */

/** @typedef {{total: number, shown: number, busy: boolean, error: Error | null}} Status */

const PAGE = 60;
/** Rows that PageUp and PageDown pass over. */
const LEAP = 10;

/** @template T */
export class Growing {
  /** @param {HTMLElement} body Where the rows go. @param {HTMLElement} end What follows them: when it comes into view, more is loaded. @param {Source<T>} source */
  constructor(body, end, source) {
    this._body = body;
    this._source = source;
    /** @type {T[]} */
    this.items = [];
    this._total = 0;
    this._here = 0;
    /** @type {AbortController | null} */
    this._asked = null;
    body.addEventListener('keydown', (e) => { void this._walk(e); });
    body.addEventListener('click', (e) => this._click(e));
    body.addEventListener('focusin', (e) => this._stand(this._index(e.target)));
    this._seen = new IntersectionObserver((entries) => { if (entries.some((e) => e.isIntersecting)) void this.more(); }, { rootMargin: '200px' });
    this._seen.observe(end);
  }

  /** Begin anew: the old rows stay until the new ones are there. @returns {Promise<void>} */
  begin() {
    return this._load(0);
  }

  /** Load the next page, unless one is on its way or there is none. @returns {Promise<void>} */
  async more() {
    if (!this._asked && this.items.length && this.items.length < this._total) await this._load(this.items.length);
  }

  /** Mark the rows of which this is true. @param {(item: T) => boolean} chosen */
  choose(chosen) {
    this._rows().forEach((row, k) => row.setAttribute('aria-selected', String(chosen(this.items[k]))));
  }

  end() {
    this._seen.disconnect();
    this._asked?.abort();
  }

  /** @param {number} offset */
  async _load(offset) {
    this._asked?.abort();
    const asked = new AbortController();
    this._asked = asked;
    this._body.setAttribute('aria-busy', 'true');
    this._tell(null);
    try {
      const { total, rows } = await this._source.page(offset, PAGE, asked.signal);
      if (this._asked !== asked) return;
      this._take(offset, total, rows);
      this._settle(null);
    } catch (error) {
      if (this._asked === asked && !isAborted(error)) this._settle(/** @type {Error} */ (error));
    }
  }

  /** @param {number} offset @param {number} total @param {T[]} rows */
  _take(offset, total, rows) {
    const made = rows.map((item, k) => this._source.row(item, offset + k));
    for (const row of made) row.tabIndex = -1;
    const held = this._body.contains(document.activeElement);
    this._total = total;
    if (offset) {
      this.items.push(...rows);
      this._body.append(...made);
      return;
    }
    this.items = rows;
    this._body.replaceChildren(...made);
    this._stand(0);
    if (held) made[0]?.focus();
  }

  /** @param {Error | null} error */
  _settle(error) {
    this._asked = null;
    this._body.removeAttribute('aria-busy');
    this._tell(error);
  }

  /** @param {Error | null} error */
  _tell(error) {
    this._source.told({ total: this._total, shown: this.items.length, busy: this._asked !== null, error });
  }

  /** @returns {HTMLElement[]} */
  _rows() {
    return /** @type {HTMLElement[]} */ ([...this._body.children]);
  }

  /** @param {EventTarget | null} target */
  _index(target) {
    return this._rows().findIndex((row) => row.contains(/** @type {Node} */ (target)));
  }

  /** One row, and what can be pressed in it, is in the order of Tab. @param {number} index */
  _stand(index) {
    const rows = this._rows();
    if (index < 0 || index >= rows.length) return;
    reach(rows[this._here], false);
    reach(rows[index], true);
    this._here = index;
  }

  /** @param {MouseEvent} e */
  _click(e) {
    const index = this._index(e.target);
    // A press on a button is the button's; who marked text wants to copy it.
    if (index < 0 || (e.target instanceof Element && e.target.closest('button, a')) || window.getSelection()?.type === 'Range') return;
    this._rows()[index].focus({ preventScroll: true });
    this._source.open(this.items[index]);
  }

  /** @param {KeyboardEvent} e */
  async _walk(e) {
    const index = this._index(e.target);
    if (index < 0 || e.ctrlKey || e.altKey || e.metaKey) return;
    const onRow = e.target === this._rows()[index];
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: LEAP, PageUp: -LEAP, Home: -index, End: this.items.length - 1 - index }[e.key];
    const button = this._rows()[index].querySelector('button');
    if (step !== undefined) {
      e.preventDefault();
      await this._go(index + step);
    } else if (e.key === 'Enter' && onRow) {
      e.preventDefault();
      this._source.open(this.items[index]);
    } else if (e.key.toLowerCase() === 'z') {
      this._source.zoom(this.items[index]);
    } else if (e.key === 'ArrowRight' && onRow) {
      e.preventDefault();
      button?.focus();
    } else if (e.key === 'ArrowLeft' && !onRow) {
      e.preventDefault();
      this._rows()[index].focus();
    }
  }

  /** @param {number} wanted */
  async _go(wanted) {
    if (wanted >= this.items.length) await this.more();
    const row = this._rows()[Math.min(Math.max(wanted, 0), this.items.length - 1)];
    row?.focus();
    row?.scrollIntoView({ block: 'nearest' });
  }
}

/** @param {HTMLElement | undefined} row @param {boolean} reached */
function reach(row, reached) {
  if (!row) return;
  for (const part of [row, ...row.querySelectorAll('button')]) part.tabIndex = reached ? 0 : -1;
}
