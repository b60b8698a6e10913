/** Panel: charts. Concentration with q marked, overlap of species, sectors, years; what they show can be taken along. */

import { ConcentrationChart } from '../charts/concentration.js';
import { csvButton } from '../charts/csv.js';
import { MEASURES, measureName, overlapMatrix, overlapTable } from '../charts/overlap.js';
import { sectorBars, sectorTable } from '../charts/sectors.js';
import { yearLines, yearTable } from '../charts/years.js';
import { chips } from '../chips.js';
import { fill, h } from '../element.js';
import { keepFocus } from '../focus.js';
import { language, words } from '../language.js';
import { Latest } from '../latest.js';
import { percent, species } from '../numbers.js';
import { perCent, shareControl } from './slider.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('../types.js').State} State */
/** @typedef {import('../types.js').Result} Result */
/** @typedef {{result: Result, years: number[]}} Facts The result, and the years of its run. */
/** @typedef {{root: HTMLElement, keys: (keyof State)[], ask: () => void, end: () => void}} Section */

const W = words({
  species: ['排放物（排序与行业构成）', 'Species that ranks the cells'],
  concentration: ['集中度', 'Concentration'],
  axis: ['横轴', 'Scale across'],
  log: ['对数', 'log'],
  linear: ['线性', 'linear'],
  between: ['排序排放物在 q 处、各排放物在整数份额处为精确值，其余为曲线内插。', 'Exact for the ranking species at q and for all at round shares; read off the curves elsewhere.'],
  values: ['整数份额处的精确值', 'Exact values at round shares'],
  shareOfArea: ['面积占比', 'Of the area'],
  overlap: ['排放物热点重叠', 'Overlap of species'],
  measure: ['指标', 'Measure'],
  at: ['{year} 年，q = {q}（按{mode}）{origin}', '{year}, q = {q} by {mode}{origin}'],
  published: ['，区划已发布', ', as published'],
  worked: ['，即时计算', ', worked out now'],
  back: ['回到发布阈值', 'Go to the published threshold'],
  area: ['面积', 'area'],
  count: ['网格数', 'cells'],
  mass: ['排放量', 'mass'],
  sectors: ['行业构成', 'Sectors'],
  sectorsOf: ['{species}，{year} 年', '{species}, {year}'],
  years: ['年际变化', 'Years'],
  oneYear: ['此清单只有一年。', 'The run has one year only.'],
  key: ['查看此内容需要密钥，请在页首输入。', 'A key is needed for this; enter it in the head of the page.'],
});
/** Kept while the page is open. @type {{log: boolean, measure: import('../charts/overlap.js').Measure}} */
const kept = { log: true, measure: 'jaccard' };

/** @type {import('../types.js').Mount} */
export function mountCharts(root, app) {
  let ended = false;
  /** @type {(() => void)[]} */
  const ends = [];
  const begin = async () => {
    const { result: id } = app.store.state;
    const [result, run] = await Promise.all([app.catalogue.result(id), app.catalogue.result(app.catalogue.runOf(id)).catch(() => null)]);
    if (ended) return;
    const facts = { result, years: (run ?? result).years };
    const sections = [concentration(app, facts), overlap(app, facts), sectors(app, facts), years(app, facts)];
    const rank = h('div', { class: 'field', role: 'group', 'aria-label': W('species') });
    const show = () => renewed(rank, () => [h('span', { 'aria-hidden': 'true' }, W('species')), chips('rank', app.store.state.rank, result.species, species, (s) => app.store.set({ rank: s }))]);
    show();
    fill(root, rank, sections.map((s) => s.root));
    ends.push(app.store.on(['rank'], show));
    for (const { keys, ask, end } of sections) {
      ask();
      ends.push(end, app.store.on(keys, ask));
    }
  };
  begin().catch((error) => app.frame.say(error.message, true));
  return () => { ended = true; ends.forEach((end) => end()); };
}

/** @param {App} app @param {Facts} facts @returns {Section} */
function concentration(app, facts) {
  const chart = new ConcentrationChart();
  const parts = { scale: h('div', { class: 'row' }), statement: h('p', { class: 'hint' }), exact: h('div', {}), wrong: h('div', { role: 'alert' }) };
  const slider = shareControl(app, (share) => app.store.set({ share }));
  /** @type {any} */
  let shown = null;
  const draw = () => {
    if (!shown) return;
    chart.draw(shown, kept.log);
    renewed(parts.scale, () => [
      chips('scale', kept.log ? 'log' : 'linear', ['log', 'linear'], (s) => W(/** @type {any} */ (s)), (s) => { kept.log = s === 'log'; draw(); }),
      csvButton(`concentration-${shown.result}-${shown.year}-${shown.rank_by}`, W('concentration'), () => chart.table())]);
    fill(parts.statement, shown.statement[language()]);
    fill(parts.exact, exactTable(shown));
  };
  const curves = new Latest(async (/** @type {State} */ state, signal) => {
    const answer = await app.service.get(`api/results/${state.result}/concentration`, { rank_by: rankOf(state, facts), year: yearOf(state, facts) }, signal);
    shown = answer;
    fill(parts.wrong);
    draw();
  }, (error) => fill(parts.wrong, wrong(error)));
  const marks = new Latest(async (/** @type {State} */ state, signal) => chart.mark(await markOf(app, facts, state, signal)),
    () => chart.mark(app.store.state.mode === 'area' ? { share: app.store.state.share, held: null, named: true } : null));
  const offMarks = app.store.on(['share', 'mode', 'rank', 'year'], (state) => marks.ask(state));
  marks.ask(app.store.state);
  return {
    root: section('concentration', parts.wrong, chart.root, h('p', { class: 'hint' }, W('between')), parts.scale, slider.root, parts.statement, parts.exact),
    keys: ['rank', 'year'], ask: () => curves.ask(app.store.state),
    end: () => { curves.end(); marks.end(); offMarks(); slider.end(); },
  };
}

/**
 * What is hot for the ranking species: q itself where it is a share of the area and cells can be cut there, else what it comes to.
 * @param {App} app @param {Facts} facts @param {State} state @param {AbortSignal} signal
 */
async function markOf(app, facts, state, signal) {
  const { identity, about } = facts.result.manifest;
  const named = state.mode === 'area' && !identity?.parameters?.emitting_only;
  const { cuts } = await app.service.get(`api/results/${state.result}/threshold`, { share: state.share, mode: state.mode, year: yearOf(state, facts) }, signal);
  const cut = cuts[rankOf(state, facts)];
  if (!cut) return named ? { share: state.share, held: null, named } : null;
  if (named && cut.tie === 'none' && !cut.fewer) return { share: state.share, held: cut.share_mass, named };
  return { share: about?.area_km2 ? cut.area_km2 / about.area_km2 : cut.share_area, held: cut.share_mass, named: false };
}

/** @param {import('../charts/concentration.js').Concentration} answer */
function exactTable({ curves }) {
  const shares = Object.keys(curves[0]?.at ?? {}).sort((a, b) => Number(a) - Number(b));
  return h('details', {}, h('summary', {}, W('values')), h('div', { class: 'charts-wide', tabindex: '0', role: 'group', 'aria-label': W('values') },
    h('table', { class: 'charts-pairs' }, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, W('shareOfArea')), curves.map((c) => h('th', { scope: 'col', class: 'number' }, species(c.species))))),
      h('tbody', {}, shares.map((s) => h('tr', {}, h('th', { scope: 'row' }, perCent(Number(s))), curves.map((c) => h('td', { class: 'number' }, percent(c.at[s])))))))));
}

/** @param {App} app @param {Facts} facts @returns {Section} */
function overlap(app, facts) {
  const { result } = facts;
  const parts = { head: h('div', {}), body: h('div', { class: 'charts-wait' }), wrong: h('div', { role: 'alert' }) };
  /** @type {import('../charts/overlap.js').Overlap | null} */
  let shown = null;
  const draw = () => {
    if (!shown) return;
    const answer = shown;
    const hot = result.kind === 'zoning' ? result.manifest.identity?.parameters?.hot : null;
    renewed(parts.head, () => [
      h('p', {}, W('at', { year: answer.year, q: perCent(answer.share), mode: W(/** @type {any} */ (answer.mode)), origin: W(answer.published ? 'published' : 'worked') })),
      hot && !answer.published ? h('button', { type: 'button', class: 'small', 'data-name': 'overlap-back', onclick: () => app.store.set({ share: hot.q, mode: hot.mode, year: result.years[0] }) }, W('back')) : null,
      h('div', { class: 'row' }, chips('measure', kept.measure, MEASURES, (m) => measureName(/** @type {any} */ (m)), (m) => { kept.measure = /** @type {any} */ (m); draw(); }),
        csvButton(`overlap-${answer.result}-${answer.year}`, W('overlap'), () => overlapTable(answer)))]);
    renewed(parts.body, () => [overlapMatrix(answer, result.species, kept.measure)]);
  };
  const latest = new Latest(async (/** @type {State} */ state, signal) => {
    shown = await app.service.get(`api/results/${state.result}/overlap`, { share: state.share, mode: state.mode, year: yearOf(state, facts) }, signal);
    fill(parts.wrong);
    draw();
  }, (error) => fill(parts.wrong, wrong(error)));
  return { root: section('overlap', parts.wrong, parts.head, parts.body), keys: ['share', 'mode', 'year'], ask: () => latest.ask(app.store.state), end: () => latest.end() };
}

/** @param {App} app @param {Facts} facts @returns {Section} */
function sectors(app, facts) {
  const body = h('div', { class: 'charts-wait' });
  const latest = new Latest(async (/** @type {State} */ state, signal) => {
    const answer = await app.service.get(`api/results/${state.result}/totals`, { by: 'sector', year: yearOf(state, facts), limit: 10_000 }, signal);
    const rank = rankOf(state, facts);
    renewed(body, () => [
      h('p', { class: 'row charts-between' }, W('sectorsOf', { species: species(rank), year: answer.year }),
        csvButton(`sectors-${answer.result}-${answer.year}-${rank}`, W('sectors'), () => sectorTable(answer, rank))),
      sectorBars(answer, rank)]);
  }, (error) => fill(body, wrong(error)));
  return { root: section('sectors', body), keys: ['rank', 'year'], ask: () => latest.ask(app.store.state), end: () => latest.end() };
}

/** @param {App} app @param {Facts} facts @returns {Section} */
function years(app, { result, years: all }) {
  const body = h('div', { class: 'charts-wait' }, all.length > 1 ? '' : h('p', {}, W('oneYear')));
  const latest = new Latest(async (/** @type {State} */ state) => {
    if (all.length < 2) return;
    const answer = await app.service.get(`api/results/${state.result}/series`, { by: 'species' });
    renewed(body, () => [
      h('p', { class: 'row charts-between' }, `${Math.min(...all)}–${Math.max(...all)}`, csvButton(`years-${answer.result}`, W('years'), () => yearTable(answer))),
      yearLines(answer, result.species, state.year)]);
  }, (error) => fill(body, wrong(error)));
  return { root: section('years', body), keys: ['year'], ask: () => latest.ask(app.store.state), end: () => latest.end() };
}

/** @param {'concentration' | 'overlap' | 'sectors' | 'years'} name @param {...HTMLElement} parts */
function section(name, ...parts) {
  return h('section', { class: `charts-section charts-${name}`, 'aria-label': W(name) }, h('h3', {}, W(name)), parts);
}

/** The species that ranks; the first where the result has no such one. @param {State} state @param {Facts} facts */
function rankOf(state, { result }) {
  return result.species.includes(state.rank) ? state.rank : result.species[0];
}

/** @param {State} state @param {Facts} facts */
function yearOf(state, facts) {
  return facts.years.includes(state.year) ? state.year : undefined;
}

/** @param {any} error */
function wrong(error) {
  return h('p', { class: 'wrong' }, error.status === 401 ? W('key') : error.message);
}

/** Put children in anew; what had the focus has it again, what was open stays so. @param {HTMLElement} root @param {() => (Node | string | null)[]} make */
function renewed(root, make) {
  const open = [...root.querySelectorAll('details')].map((d) => d.open);
  keepFocus(root, () => {
    fill(root, make());
    root.querySelectorAll('details').forEach((d, k) => { d.open = open[k] ?? false; });
  });
}
