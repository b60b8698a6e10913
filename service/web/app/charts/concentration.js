/** Concentration: how much of each species the densest cells of one hold. A picture that is read with the pointer or the arrow keys. */

import { fill, h, svg } from '../element.js';
import { words } from '../language.js';
import { percent, species } from '../numbers.js';
import { BOX, across, axes, linear, logarithmic, path, up } from './axes.js';

/** @typedef {{species: string, gini: number | null, x: number[], y: (number | null)[], at: Record<string, number | null>}} Curve */
/** @typedef {{result: string, year: number, rank_by: string, statement: {zh: string, en: string}, curves: Curve[]}} Concentration */
/** @typedef {{share: number, held: number | null, named: boolean}} Mark A share of the area, what the ranking species holds there, whether it is q itself. */

const W = words({
  x: ['累计面积占比（按 {species} 密度由高到低）', 'Share of the area, densest in {species} first'],
  y: ['累计排放占比（%）', 'Share of the mass, %'],
  label: ['按 {species} 排放密度排序的集中度曲线。{held}', 'Concentration curves, cells by {species} density. {held}'],
  held: ['最密集的 {q} 面积占：{values}。', 'The densest {q} of the area hold: {values}.'],
  loading: ['集中度曲线，正在载入', 'Concentration curves, loading'],
  reader: ['读数位置：面积占比（方向键移动，Esc 取消）', 'Where the curves are read: share of the area (arrow keys; Escape ends)'],
  species: ['排放物', 'Species'],
  gini: ['基尼系数', 'Gini'],
  giniHint: ['排序排放物为基尼系数，其余为集中指数', 'Gini of the ranking species, concentration index of the others'],
  atQ: ['q 处 {q}', 'at q, {q}'],
  atHand: ['读数 {q}', 'read at {q}'],
  none: ['读数', 'read at'],
  even: ['均匀分布', 'even spread'],
});
const STEP = 0.02;

export class ConcentrationChart {
  constructor() {
    /** @type {Concentration | null} */
    this._answer = null;
    this._log = true;
    this._mark = NaN;
    this._sign = '=';
    /** @type {number | null} What the ranking species holds at the mark. */
    this._held = null;
    this._read = NaN;
    this._scale = linear(0, 1, []);
    this._over = svg('g', {});
    this._picture = svg('svg', { viewBox: `0 0 ${BOX.width} ${BOX.height}`, role: 'img', 'aria-label': W('loading') });
    this._reader = h('div', {
      class: 'charts-reader', tabindex: '0', role: 'slider', 'aria-label': W('reader'), 'aria-valuemin': 0, 'aria-valuemax': 100, 'aria-valuenow': 0, 'data-name': 'reader',
      onpointermove: (/** @type {PointerEvent} */ e) => this._point(e), onpointerdown: (/** @type {PointerEvent} */ e) => this._point(e),
      onpointerleave: (/** @type {PointerEvent} */ e) => { if (e.pointerType === 'mouse') this._readAt(NaN); }, onkeydown: (/** @type {KeyboardEvent} */ e) => this._key(e),
    });
    this._table = h('div', {});
    this.root = h('div', {}, h('div', { class: 'charts-picture' }, this._picture, this._reader), this._table);
  }

  /** Draw curves. @param {Concentration} answer @param {boolean} log */
  draw(answer, log) {
    this._answer = answer;
    this._log = log;
    const lows = answer.curves.map((c) => c.x.find((x) => x > 0) ?? 1);
    this._scale = log ? logarithmic(roundBelow(Math.min(0.001, ...lows)), 1) : linear(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]);
    const rank = answer.rank_by;
    fill(this._picture,
      axes(this._scale, W('x', { species: species(rank) }), W('y')),
      svg('path', { class: 'even', d: this._line(shares(this._scale).map((x) => [x, x])) }, svg('title', {}, W('even'))),
      answer.curves.map((c, k) => svg('path', { class: `series ${seriesClass(k)}${c.species === rank ? ' strong' : ''}`, d: this._line(pointsOf(c, log)) })),
      this._over);
    this._follow();
  }

  /** Mark what is hot for the ranking species. @param {Mark | null} mark */
  mark(mark) {
    this._mark = mark?.share ?? NaN;
    this._sign = mark?.named === false ? '→' : '=';
    this._held = mark?.held ?? null;
    this._follow();
  }

  /** Rows of the file: every point of every curve. */
  table() {
    const rows = (this._answer?.curves ?? []).flatMap((c) => c.x.map((x, k) => [this._answer?.result, this._answer?.year, this._answer?.rank_by, c.species, c.gini, x, c.y[k]]));
    return { columns: ['result', 'year', 'ranked_by', 'species', 'gini', 'share_area', 'share_mass'], rows };
  }

  /** What follows the mark and the reading. */
  _follow() {
    const answer = this._answer;
    if (!answer) return;
    const lines = [[this._mark, 'mark'], [this._read, 'hand']].filter(([share]) => Number.isFinite(share));
    fill(this._over, lines.map(([share, kind]) => this._upright(Number(share), String(kind))));
    const said = Number.isFinite(this._mark) ? W('held', { q: short(this._mark), values: this._values(answer, this._mark) }) : '';
    this._picture.setAttribute('aria-label', W('label', { species: species(answer.rank_by), held: said }));
    const at = Number.isFinite(this._read) ? this._read : this._mark;
    if (Number.isFinite(at)) {
      this._reader.setAttribute('aria-valuenow', (at * 100).toPrecision(3));
      this._reader.setAttribute('aria-valuetext', `${short(at)}: ${this._values(answer, at)}`);
    }
    fill(this._table, legend(answer, this._mark, this._read, (c, share) => this._value(c, share)));
  }

  /** A line at a share, with a point on each curve. @param {number} share @param {string} kind */
  _upright(share, kind) {
    const x = across(Math.min(Math.max(this._scale.at(share), 0), 1));
    return svg('g', { class: kind }, svg('line', { x1: x, x2: x, y1: up(0), y2: up(1) }),
      kind === 'mark' ? svg('text', { x: x + (x > BOX.width - 60 ? -4 : 4), y: up(0) - 5, 'text-anchor': x > BOX.width - 60 ? 'end' : 'start' }, `q ${this._sign} ${short(share)}`) : null,
      (this._answer?.curves ?? []).map((c, k) => {
        const y = this._value(c, share);
        return y === null ? null : svg('circle', { class: seriesClass(k), cx: x, cy: up(y), r: 3 });
      }));
  }

  /** @param {[number, number][]} points */
  _line(points) {
    return path(points.map(([x, y]) => [across(this._scale.at(x)), up(y)]));
  }

  /** What a species holds at a share; known for the ranking one at the mark. @param {Curve} curve @param {number} share */
  _value(curve, share) {
    return share === this._mark && this._held !== null && curve.species === this._answer?.rank_by ? this._held : heldAt(curve, share);
  }

  /** @param {Concentration} answer @param {number} share */
  _values(answer, share) {
    return answer.curves.map((c) => `${species(c.species)} ${percent(this._value(c, share))}`).join(', ');
  }

  /** @param {PointerEvent} e */
  _point(e) {
    const box = this._reader.getBoundingClientRect();
    this._readAt(this._scale.back(Math.min(Math.max((e.clientX - box.left) / box.width, 0), 1)));
  }

  /** @param {KeyboardEvent} e */
  _key(e) {
    const here = this._scale.at(Number.isFinite(this._read) ? this._read : Number.isFinite(this._mark) ? this._mark : 0.05);
    const far = e.shiftKey ? 5 * STEP : STEP;
    const to = { ArrowRight: here + far, ArrowUp: here + far, ArrowLeft: here - far, ArrowDown: here - far, PageUp: here + 5 * STEP, PageDown: here - 5 * STEP, Home: 0, End: 1, Escape: NaN }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    this._readAt(Number.isNaN(to) ? NaN : this._scale.back(Math.min(Math.max(to, 0), 1)));
  }

  /** @param {number} share */
  _readAt(share) {
    this._read = share;
    this._follow();
  }
}

/** Classes of the line of a species, by its place in the result. @param {number} k */
export function seriesClass(k) {
  return `series-${(k % 6) + 1}`;
}

/** What a curve holds at a share: told exactly at round ones, between its points otherwise. @param {Curve} curve @param {number} share @returns {number | null} */
export function heldAt({ x, y, at }, share) {
  const told = Object.entries(at).find(([key]) => Math.abs(Number(key) - share) <= 1e-9 * share);
  if (told) return told[1];
  const k = x.findIndex((value) => value >= share);
  if (k <= 0) return k === 0 ? y[0] : y[y.length - 1] ?? null;
  const [a, b] = [y[k - 1], y[k]];
  return a === null || b === null ? null : a + ((b - a) * (share - x[k - 1])) / (x[k] - x[k - 1]);
}

/** The next of 1, 2, 5, … that is not more. @param {number} share */
function roundBelow(share) {
  const power = 10 ** Math.floor(Math.log10(share));
  return ([5, 2].find((m) => m * power <= share) ?? 1) * power;
}

/** @param {Curve} curve @param {boolean} log @returns {[number, number][]} */
function pointsOf({ x, y }, log) {
  return x.flatMap((value, k) => (y[k] === null || (log && value <= 0) ? [] : [/** @type {[number, number]} */ ([value, y[k]])]));
}

/** Shares along a whole axis. @param {import('./axes.js').Scale} scale */
function shares(scale) {
  return Array.from({ length: 41 }, (_, k) => scale.back(k / 40));
}

/** A share with three digits and no zeros behind them. @param {number} share */
function short(share) {
  return `${Number((share * 100).toPrecision(3))} %`;
}

/**
 * The species, their lines, and what they come to.
 * @param {Concentration} answer @param {number} mark @param {number} read @param {(curve: Curve, share: number) => number | null} held
 */
function legend(answer, mark, read, held) {
  const value = (/** @type {Curve} */ c, /** @type {number} */ share) => h('td', { class: 'number' }, Number.isFinite(share) ? percent(held(c, share)) : '–');
  return h('table', { class: 'charts-legend' },
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, W('species')), h('th', { scope: 'col', class: 'number', title: W('giniHint') }, W('gini')),
      h('th', { scope: 'col', class: 'number' }, W('atQ', { q: Number.isFinite(mark) ? short(mark) : '–' })),
      h('th', { scope: 'col', class: 'number' }, Number.isFinite(read) ? W('atHand', { q: short(read) }) : W('none')))),
    h('tbody', {}, answer.curves.map((c, k) => h('tr', { 'data-species': c.species, class: c.species === answer.rank_by ? 'strong' : null },
      h('th', { scope: 'row' }, svg('svg', { class: 'charts-sample', viewBox: '0 0 26 8', 'aria-hidden': 'true' }, svg('path', { class: `series ${seriesClass(k)}`, d: 'M0 4H26' })), species(c.species)),
      h('td', { class: 'number' }, c.gini === null ? '–' : c.gini.toFixed(3)), value(c, mark), value(c, read)))));
}
