/** The service, asked: JSON answers, the reader's key, errors in the service's own words. */

import { words } from './language.js';

const W = words({
  offline: ['服务没有应答，请稍后重试。', 'The service does not answer; try again in a moment.'],
  failed: ['请求失败（{status}）', 'The request failed ({status})'],
});
const KEPT = 'cozone.key';
/** Beside the page, whatever stands before it. */
export const BASE = new URL('.', document.baseURI);

/** What the service refused, with what it said. */
export class Refusal extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export class Service {
  constructor() {
    this._key = '';
    try { this._key = sessionStorage.getItem(KEPT) ?? ''; } catch { /* a browser that keeps nothing: until the page is left */ }
    /** @type {Map<string, Promise<any>>} Answers that never change, by address. */
    this._kept = new Map();
  }

  /** The key that requests carry; empty for none. */
  get key() {
    return this._key;
  }

  /** Carry a key for as long as this tab is open. @param {string} text */
  carry(text) {
    this._key = text.trim();
    this._kept.clear();
    try {
      if (this._key) sessionStorage.setItem(KEPT, this._key);
      else sessionStorage.removeItem(KEPT);
    } catch { /* as above */ }
  }

  /** An address of the service, whole. @param {string} path @param {Record<string, string | number | boolean | undefined | null>} [query] */
  address(path, query = {}) {
    const url = new URL(path.replace(/^\//, ''), BASE);
    for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== null && value !== '') url.searchParams.set(name, String(value));
    return url.href;
  }

  /** Headers of every request. @returns {Record<string, string>} */
  headers() {
    return this._key ? { Authorization: `Bearer ${this._key}` } : {};
  }

  /**
   * A document. What belongs to an id never changes and is kept for the visit.
   * @param {string} path
   * @param {Record<string, string | number | boolean | undefined | null>} [query]
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   */
  get(path, query = {}, signal) {
    const address = this.address(path, query);
    if (signal || !/\/[rzc]-[0-9a-f]{12}(\/|$|\?)/.test(address)) return this._ask(address, { signal });
    let found = this._kept.get(address);
    if (!found) {
      found = this._ask(address, {});
      this._kept.set(address, found);
      found.catch(() => this._kept.delete(address));
    }
    return found;
  }

  /** Post a document, and read the answer. @param {string} path @param {Record<string, any>} query @param {BodyInit} body @param {string} type @param {AbortSignal} [signal] */
  post(path, query, body, type, signal) {
    return this._ask(this.address(path, query), { method: 'POST', body, headers: { 'Content-Type': type }, signal });
  }

  /** @param {string} address @param {RequestInit} options @returns {Promise<any>} */
  async _ask(address, options) {
    let response;
    try {
      response = await fetch(address, { ...options, headers: { Accept: 'application/json', ...this.headers(), .../** @type {Record<string, string>} */ (options.headers) } });
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') throw error;
      throw new Refusal(0, W('offline'));
    }
    if (response.ok) return response.json();
    const problem = await response.json().catch(() => null);
    throw new Refusal(response.status, problem?.detail ?? W('failed', { status: response.status }));
  }

  /** Save an address as a file, with the key if there is one. @param {string} address @param {string} name */
  async save(address, name) {
    const response = await fetch(address, { headers: this.headers() });
    if (!response.ok) {
      const problem = await response.json().catch(() => null);
      throw new Refusal(response.status, problem?.detail ?? W('failed', { status: response.status }));
    }
    saveBlob(await response.blob(), name);
  }
}

/** Hand a file to the reader. @param {Blob} blob @param {string} name */
export function saveBlob(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Whether a request was given up on purpose. @param {unknown} error */
export function isAborted(error) {
  return error instanceof DOMException && error.name === 'AbortError';
}
