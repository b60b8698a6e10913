/** A published comparison of two zonings: what became of the units, in counts, areas and tonnes, and one by one. */

import { chips } from '../chips.js';
import { fill, h } from '../element.js';
import { named, words } from '../language.js';
import { classColours } from '../map/canvas.js';
import { SIGNS } from '../map/changedcells.js';
import { amount, count, species } from '../numbers.js';
import { codes, term } from '../vocabulary.js';
import { badge } from './columns.js';
import { Growing } from './growing.js';
import { aim } from './icons.js';
import { table } from './totals.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('../types.js').ResultHead} ResultHead */

const W = words({
  direction: ['由 {a} 到 {b}', 'From {a} to {b}'],
  before: ['前', 'before'],
  after: ['后', 'after'],
  differences: ['两次区划的设定差异', 'What differs beforehand'],
  what: ['项目', 'What'],
  units: ['单元的变化', 'What became of the units'],
  relation: ['变化', 'Change'],
  number: ['单元数', 'Units'],
  area: ['面积（km²）', 'Area, km²'],
  tonnes: ['管控类别网格的排放量', 'Emissions of the cells with a class'],
  of: ['{species}：其中', '{species}: of it'],
  stayed: ['类别不变', 'kept their class'],
  changedClass: ['类别变化', 'changed their class'],
  entered: ['新增', 'entered'],
  left: ['退出', 'left'],
  part: ['网格', 'Cells'],
  species: ['排放物', 'Species'],
  signs: ['在地图上标出变化的网格', 'Mark the changed cells on the map'],
  list: ['逐个单元', 'Unit by unit'],
  search: ['按编码或名称查找', 'Find by code or name'],
  all: ['全部变化', 'all changes'],
  allClasses: ['全部类别', 'all classes'],
  another: ['仅类别改变的', 'only with another class'],
  shown: ['共 {total} 项，已列出 {shown} 项', '{total} entries, {shown} shown'],
  none: ['没有符合条件的单元。', 'No unit is like this.'],
  loading: ['正在读取…', 'Loading…'],
  more: ['继续列出', 'Show more'],
  zoom: ['缩放至 {name}', 'Zoom to {name}'],
  names: ['单元', 'Unit'],
  classes: ['类别', 'Class'],
  actions: ['操作', 'Actions'],
  to: ['变为', 'to'],
  save: ['全部变化（单元与网格）', 'All changes, units and cells'],
  keys: ['键盘：↑ ↓ 换行，Enter 或 Z 缩放至单元。', 'Keys: ↑ ↓ move, Enter or Z zooms to the unit.'],
});

const DEBOUNCE = 250;
/** Pixels that the head of the panel covers. */
const HEAD = 56;

/** @param {HTMLElement} root @param {App} app @param {ResultHead} comparison @returns {() => void} */
export function mountChanges(root, app, comparison) {
  let ended = false;
  let end = () => {};
  const render = async () => {
    const [summary, index] = await Promise.all([app.service.get(`api/results/${comparison.id}/summary`), app.catalogue.tiles(app.store.state.result)]);
    const colours = await classColours(app, index);
    if (ended) return;
    const list = new ChangeList(app, comparison, colours);
    const tonnes = h('div', {});
    const draw = () => fill(tonnes, tonnesOf(app, summary.tonnes));
    const off = app.store.on(['rank'], draw);
    draw();
    fill(root, h('p', { class: 'compare-direction' }, W('direction', { a: nameOf(app, comparison.a), b: nameOf(app, comparison.b) })),
      differencesOf(summary.differences), h('h3', {}, W('units')), relationsOf(summary.summary, (relation) => list.only(relation)), signsOf(app),
      h('h3', {}, W('tonnes')), tonnes, h('h3', {}, W('list')), list.element);
    end = () => { off(); list.end(); };
  };
  fill(root, h('p', { class: 'hint' }, W('loading')));
  render().catch((error) => { if (!ended) fill(root, h('p', { class: 'wrong' }, error.message)); });
  return () => { ended = true; end(); };
}

/** @param {{what: string, a: string, b: string}[]} rows */
function differencesOf(rows) {
  return rows.length ? h('details', { class: 'compare-differences', open: rows.length <= 3 }, h('summary', {}, W('differences')),
    h('table', { class: 'compare-table' }, h('thead', {}, h('tr', {}, [W('what'), W('before'), W('after')].map((t) => h('th', { scope: 'col' }, t)))),
      h('tbody', {}, rows.map((row) => h('tr', {}, h('th', { scope: 'row' }, row.what), h('td', {}, row.a), h('td', {}, row.b)))))) : null;
}

/** Counts and areas by relation; a relation shows its units. @param {any[]} rows @param {(relation: string) => void} chosen */
function relationsOf(rows, chosen) {
  const head = h('thead', {}, h('tr', {}, h('th', { scope: 'col', rowspan: '2' }, W('relation')), h('th', { scope: 'colgroup', colspan: '2' }, W('number')), h('th', { scope: 'colgroup', colspan: '2' }, W('area'))),
    h('tr', {}, [W('before'), W('after'), W('before'), W('after')].map((t) => h('th', { scope: 'col', class: 'number' }, t))));
  return h('table', { class: 'compare-table compare-relations' }, h('caption', { class: 'visually-hidden' }, W('units')), head,
    h('tbody', {}, rows.map((row) => h('tr', {},
      h('th', { scope: 'row' }, h('button', { type: 'button', class: 'plain', 'data-name': `relation-${row.relation}`, onclick: () => chosen(row.relation) }, term('relation', row.relation))),
      [count(row.a_units), count(row.b_units), amount(row.a_km2), amount(row.b_km2)].map((t) => h('td', { class: 'number' }, t))))));
}

/** @param {App} app */
function signsOf({ store }) {
  const shown = store.state.overlays.includes('changes');
  const box = h('input', { type: 'checkbox', checked: shown, 'data-name': 'signs', onchange: () => {
    const { overlays } = store.state;
    store.set({ overlays: box.checked ? [...overlays, 'changes'] : overlays.filter((id) => id !== 'changes') });
  } });
  return [h('label', { class: 'check' }, box, W('signs')),
    h('ul', { class: 'compare-signs' }, Object.entries(SIGNS).map(([change, sign]) => h('li', {}, h('span', { class: 'sign', 'aria-hidden': 'true' }, sign), term('change', change))))];
}

/** @param {App} app @param {any[]} rows */
function tonnesOf({ store }, rows) {
  const wanted = rows.find((r) => r.species === store.state.rank) ?? rows[0];
  if (!wanted) return [];
  const parts = [[W('stayed'), wanted.stayed_a_t, wanted.stayed_b_t], [W('changedClass'), wanted.changed_a_t, wanted.changed_b_t], [W('left'), wanted.left_t, 0], [W('entered'), 0, wanted.entered_t]];
  return [
    table('', W('species'), W('before'), W('after'), rows.map((r) => ({ name: species(r.species), a: r.a_t, b: r.b_t }))),
    h('div', { role: 'group', 'aria-label': W('species') }, chips('tonnes-species', wanted.species, rows.map((r) => r.species), species, (s) => store.set({ rank: s }))),
    table(W('of', { species: species(wanted.species) }), W('part'), W('before'), W('after'), parts.map(([name, a, b]) => ({ name, a, b }))),
  ];
}

/** Units of both zonings, as they belong to each other. */
class ChangeList {
  /** @param {App} app @param {ResultHead} comparison @param {Record<string, string>} colours Of classes. */
  constructor(app, comparison, colours) {
    this._app = app;
    this._id = comparison.id;
    this._colours = colours;
    this._timer = 0;
    this._relation = h('select', { 'aria-label': W('relation'), 'data-name': 'relation', onchange: () => { void this._rows.begin(); } }, [h('option', { value: '' }, W('all')), ...codes('relation').map((c) => h('option', { value: c }, term('relation', c)))]);
    this._search = h('input', { type: 'search', maxlength: '100', placeholder: W('search'), 'aria-label': W('search'), autocomplete: 'off', spellcheck: 'false', oninput: () => {
      window.clearTimeout(this._timer);
      this._timer = window.setTimeout(() => { void this._rows.begin(); }, DEBOUNCE);
    } });
    this._class = h('select', { 'aria-label': W('classes'), 'data-name': 'change-class', onchange: () => { void this._rows.begin(); } }, [h('option', { value: '' }, W('allClasses')), ...codes('class').filter((c) => c !== 'none').map((c) => h('option', { value: c }, term('class', c)))]);
    this._another = h('input', { type: 'checkbox', 'data-name': 'another', onchange: () => { void this._rows.begin(); } });
    this._status = h('p', { class: 'units-count', role: 'status', 'aria-live': 'polite' }, W('loading'));
    this._body = h('tbody', { role: 'rowgroup' });
    this._table = h('table', { role: 'grid', class: 'changes-table', 'aria-label': W('list'), 'aria-describedby': 'changes-keys' },
      h('thead', { role: 'rowgroup', class: 'visually-hidden' }, h('tr', { role: 'row' }, [W('relation'), W('classes'), W('names'), W('area'), W('actions')].map((t) => h('th', { role: 'columnheader', scope: 'col' }, t)))), this._body);
    this._more = h('button', { type: 'button', class: 'units-more', hidden: true, onclick: () => { void this._rows.more(); } }, W('more'));
    const save = (/** @type {string} */ form, /** @type {string} */ name) => h('button', { type: 'button', 'data-name': `changes-${form}`, 'aria-label': `${W('save')} ${name}`, onclick: () => this._save(form) }, `↓ ${name}`);
    this.element = h('div', { class: 'changes' }, this._search, h('div', { class: 'row' }, this._relation, this._class), h('div', { class: 'row' }, h('label', { class: 'check' }, this._another, W('another')),
        h('div', { class: 'row', role: 'group', 'aria-label': W('save'), title: W('save') }, save('csv', 'CSV'), save('gpkg', 'GPKG'))),
      this._status, h('p', { class: 'hint units-keys', id: 'changes-keys' }, W('keys')), this._table, this._more);
    const zoom = (/** @type {any} */ item) => this._zoom(item);
    /** @type {Growing<any>} */
    this._rows = new Growing(this._body, this._more, { page: (offset, limit, signal) => this._page(offset, limit, signal), row: (item, index) => this._row(item, index), open: zoom, zoom, told: (status) => this._tell(status) });
    void this._rows.begin();
  }

  end() {
    window.clearTimeout(this._timer);
    this._rows.end();
  }

  /** Only units that became this. @param {string} relation */
  only(relation) {
    this._relation.value = relation;
    this._relation.focus({ preventScroll: true });
    const panel = this.element.closest('.panel');
    if (panel) panel.scrollTop += this.element.getBoundingClientRect().top - panel.getBoundingClientRect().top - HEAD;
    void this._rows.begin();
  }

  /** @param {number} offset @param {number} limit @param {AbortSignal} signal */
  async _page(offset, limit, signal) {
    const query = { search: this._search.value.trim(), relation: this._relation.value, class: this._class.value, class_changed: this._another.checked ? true : undefined, limit, offset };
    const found = await this._app.service.get(`api/results/${this._id}/changes`, query, signal);
    return { total: found.number_matched, rows: found.rows };
  }

  /** @param {import('./growing.js').Status} status */
  _tell({ total, shown, busy, error }) {
    this._more.hidden = busy || shown >= total;
    if (busy) return;
    this._table.setAttribute('aria-rowcount', String(total + 1));
    this._status.classList.toggle('wrong', error !== null);
    this._status.textContent = error ? error.message : total ? W('shown', { total: count(total), shown: count(shown) }) : W('none');
  }

  /** @param {any} item */
  _zoom(item) {
    if (item.bbox) this._app.canvas.fit(item.bbox);
  }

  /** @param {string} form */
  _save(form) {
    const { service, frame } = this._app;
    service.save(service.address(`ogc/collections/${this._id}.changes/download`, { f: form }), `${this._id}-changes.${form}`).catch((error) => frame.say(error.message, true));
  }

  /** @param {any} item @param {number} index */
  _row(item, index) {
    const names = both(nameIn(item, 'a'), nameIn(item, 'b'));
    const label = W('zoom', { name: names.join(' → ') });
    return h('tr', { role: 'row', 'aria-rowindex': index + 2, 'data-relation': item.relation },
      h('td', { role: 'gridcell', class: 'what' }, term('relation', item.relation)),
      h('td', { role: 'gridcell', class: 'classes' }, this._classes(item)),
      h('td', { role: 'gridcell', class: 'names' }, names.join(' → '), h('span', { class: 'soft' }, both(item.a, item.b).join(' → '))),
      h('td', { role: 'gridcell', class: 'areas' }, [item.a_km2, item.b_km2].map((v) => (v ? amount(v) : '–')).join(' → '), ' km²'),
      h('td', { role: 'gridcell', class: 'zoom-to' }, h('button', { type: 'button', class: 'icon', 'aria-label': label, title: label, disabled: !this._app.canvas?.available, onclick: () => this._zoom(item) }, aim())));
  }

  /** Classes before and after. @param {any} item @returns {(Node | string)[]} */
  _classes(item) {
    const of = (/** @type {string | null} */ code) => (code && code !== 'none' ? [badge(code, this._colours), h('span', { class: 'visually-hidden' }, term('class', code))] : [h('span', { class: 'badge none', 'aria-hidden': 'true' }, '–'), h('span', { class: 'visually-hidden' }, term('class', 'none'))]);
    return [...of(item.a_class), h('span', { 'aria-hidden': 'true' }, '→'), h('span', { class: 'visually-hidden' }, ` ${W('to')} `), ...of(item.b_class)];
  }
}

/** @param {any} item @param {'a' | 'b'} side */
function nameIn(item, side) {
  return item[side] ? named(item, `${side}_name`) || item[side] : '';
}

/** Both where they differ, one where they are the same or there is but one. @param {string | null} a @param {string | null} b @returns {string[]} */
function both(a, b) {
  return a === b ? [a ?? ''] : [a, b].filter((x) => x !== null && x !== '').map(String);
}

/** @param {App} app @param {string | null} id */
function nameOf(app, id) {
  const head = app.catalogue.head(id ?? '');
  return head?.label || head?.name || id || '';
}
