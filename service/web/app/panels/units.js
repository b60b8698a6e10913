/** Panel: the table of control units. Searched, filtered and sorted by the service, loaded as it is read, downloaded as it is filtered. */

import { fill, h } from '../element.js';
import { keepFocus } from '../focus.js';
import { named, words } from '../language.js';
import { classColours } from '../map/canvas.js';
import { count, species } from '../numbers.js';
import { COLUMNS } from '../table/columns.js';
import { aim, spread } from '../table/icons.js';
import { Growing } from '../table/growing.js';
import { unitFilters } from '../table/filters.js';
import { filtered, parameters, read, write } from '../table/query.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('../table/columns.js').Unit} Unit */
/** @typedef {import('../table/columns.js').Shown} Shown */
/** @typedef {import('../table/query.js').UnitQuery} UnitQuery */

const W = words({
  table: ['管控单元表', 'Control units'],
  search: ['按编码、名称或区县查找', 'Find by code, name or county'],
  shown: ['共 {total} 个单元，已列出 {shown} 个', '{total} units, {shown} shown'],
  loading: ['正在读取…', 'Loading…'],
  none: ['没有符合条件的单元。', 'No unit is like this.'],
  more: ['继续列出', 'Show more'],
  zoom: ['缩放至 {name}', 'Zoom to {name}'],
  actions: ['操作', 'Actions'],
  wide: ['展开表格', 'Widen the table'],
  narrow: ['收窄表格', 'Narrow the table'],
  amounts: ['排放量', 'Emissions'],
  download: ['下载', 'Download'],
  keys: ['键盘：↑ ↓、PageUp、PageDown、Home、End 换行，Enter 打开单元，Z 缩放至单元。', 'Keys: ↑ ↓, Page Up, Page Down, Home, End move; Enter opens the unit; Z zooms to it.'],
  noZoning: ['此处显示的是清单网格化结果；管控单元属于区划。', 'This is a run; control units belong to a zoning.'],
  itsZonings: ['基于此清单的区划：', 'Zonings of this run:'],
  make: ['新建区划：', 'Make a zoning with:'],
});
const DEBOUNCE = 250;

/** @type {import('../types.js').Mount} */
export function mountUnits(root, app) {
  if (app.catalogue.head(app.store.state.result)?.kind !== 'zoning') return without(root, app);
  const view = new UnitTable(root, app);
  return () => view.end();
}

/** What a run has instead of units. @param {HTMLElement} root @param {App} app */
function without(root, app) {
  const { store, catalogue } = app;
  const zonings = catalogue.zoningsOf(store.state.result);
  fill(root, h('p', {}, W('noZoning')),
    zonings.length ? [h('h3', {}, W('itsZonings')), h('ul', { class: 'units-zonings' }, zonings.map((z) => h('li', {}, h('button', { type: 'button', onclick: () => store.set({ result: z.id, unit: '', cell: null, compare: '' }) }, catalogue.title(z)))))] : null,
    h('h3', {}, W('make')), h('pre', { class: 'command', tabindex: '0' }, `cozone zone ${catalogue.runOf(store.state.result)}`));
  return () => {};
}

class UnitTable {
  /** @param {HTMLElement} root @param {App} app */
  constructor(root, app) {
    this._app = app;
    this._root = root;
    this._result = app.store.state.result;
    this._timer = 0;
    /** @type {Shown} */
    this._shown = { species: this._species(), colours: {} };
    this._status = h('p', { class: 'units-count', role: 'status', 'aria-live': 'polite' }, W('loading'));
    this._more = h('button', { type: 'button', class: 'units-more', hidden: true, onclick: () => { void this._rows.more(); } }, W('more'));
    this._head = h('tr', { role: 'row' });
    this._body = h('tbody', { role: 'rowgroup' });
    this._table = h('table', { role: 'grid', class: 'units-table', 'aria-label': W('table'), 'aria-describedby': 'units-keys' }, h('thead', { role: 'rowgroup' }, this._head), this._body);
    this._wide = h('button', { type: 'button', class: 'icon units-wide', 'aria-pressed': 'false', 'aria-label': W('wide'), title: W('wide'), onclick: () => this._widen() }, spread());
    fill(root, this._tools(), this._table, this._more);
    /** @type {Growing<Unit>} */
    this._rows = new Growing(this._body, this._more, {
      page: (offset, limit, signal) => this._page(offset, limit, signal),
      row: (unit, index) => this._row(unit, index),
      open: (unit) => app.store.set({ unit: unit.unit, cell: null }),
      zoom: (unit) => this._zoom(unit),
      told: (status) => this._tell(status),
    });
    this._offs = [
      app.store.on(['table'], () => this._again()), app.store.on(['unit'], () => this._choose()),
      app.store.on(['rank'], () => this._amounts(app.store.state.rank)),
    ];
    void this._begin();
  }

  end() {
    window.clearTimeout(this._timer);
    this._rows.end();
    for (const off of this._offs) off();
    this._root.closest('.frame')?.classList.remove('wide-panel');
  }

  async _begin() {
    const { catalogue } = this._app;
    const colours = await catalogue.tiles(this._result).then((index) => classColours(this._app, index)).catch(() => ({}));
    this._shown = { ...this._shown, colours };
    this._again();
  }

  /** @returns {UnitQuery} */
  get _query() {
    return read(this._app.store.state.table);
  }

  /** @param {Partial<UnitQuery>} change */
  _ask(change) {
    this._app.store.set({ table: write({ ...this._query, ...change }) });
  }

  _species() {
    const { store, catalogue } = this._app;
    const all = catalogue.head(store.state.result)?.species ?? [];
    return all.includes(store.state.rank) ? store.state.rank : all[0] ?? '';
  }

  _tools() {
    const { app, query } = { app: this._app, query: this._query };
    const field = h('input', { type: 'search', value: query.search, maxlength: '100', placeholder: W('search'), 'aria-label': W('search'), autocomplete: 'off', spellcheck: 'false', oninput: () => this._search(field.value) });
    const amounts = h('select', { value: this._shown.species, 'aria-label': W('amounts'), title: W('amounts'), onchange: (/** @type {any} */ e) => app.store.set({ rank: e.target.value }) },
      (app.catalogue.head(this._result)?.species ?? []).map((s) => h('option', { value: s }, species(s))));
    this._select = amounts;
    const save = (/** @type {'csv' | 'gpkg'} */ form, /** @type {string} */ name, /** @type {string} */ whole) => h('button', { type: 'button', 'data-name': `download-${form}`, title: `${W('download')} ${whole}`, 'aria-label': `${W('download')} ${whole}`, onclick: (/** @type {any} */ e) => { void this._save(form, e.currentTarget); } }, `↓ ${name}`);
    this._filters = unitFilters(app, () => this._query, (change) => this._ask(change));
    this._field = field;
    return h('div', { class: 'units-tools' }, h('div', { class: 'units-find' }, field, this._wide), this._filters.element,
      h('div', { class: 'row' }, h('label', { class: 'units-amounts' }, W('amounts'), amounts),
        h('div', { class: 'row', role: 'group', 'aria-label': W('download') }, save('csv', 'CSV', 'CSV'), save('gpkg', 'GPKG', 'GPKG (GeoPackage)'))),
      this._status, h('p', { class: 'hint units-keys', id: 'units-keys' }, W('keys')));
  }

  /** @param {string} text */
  _search(text) {
    window.clearTimeout(this._timer);
    this._timer = window.setTimeout(() => this._ask({ search: text }), DEBOUNCE);
  }

  /** @param {'csv' | 'gpkg'} form @param {HTMLButtonElement} button */
  async _save(form, button) {
    button.disabled = true;
const query = this._query;
    const part = filtered(query) || query.search.trim() ? '-part' : '';
    const name = `${fileName(this._app.catalogue.head(this._result)?.name ?? '')}-${this._result}-units${part}.${form}`;
    await this._app.service.save(this._app.service.address(`api/results/${this._result}/units.${form}`, parameters(query)), name)
      .catch((error) => this._app.frame.say(error.message, true));
    button.disabled = false;
    button.focus();
  }

  /** Ask for what the state says; a search that is being written is left as it is. */
  _again() {
    this._heads();
    this._filters?.follow();
    if (this._field && this._field !== document.activeElement) this._field.value = this._query.search;
    void this._rows.begin();
  }

  /** @param {number} offset @param {number} limit @param {AbortSignal} signal */
  async _page(offset, limit, signal) {
    const found = await this._app.service.get(`api/results/${this._result}/units`, { ...parameters(this._query), limit, offset }, signal);
    return { total: found.number_matched, rows: found.units };
  }

  /** @param {import('../table/growing.js').Status} status */
  _tell({ total, shown, busy, error }) {
    this._more.hidden = busy || shown >= total;
    if (busy) return;
    this._table.setAttribute('aria-rowcount', String(total + 1));
    this._status.classList.toggle('wrong', error !== null);
    this._status.textContent = error ? error.message : total ? W('shown', { total: count(total), shown: count(shown) }) : W('none');
    this._choose();
  }

  _choose() {
    const { unit } = this._app.store.state;
    this._rows.choose((item) => item.unit === unit);
  }

  /** @param {string} wanted */
  _amounts(wanted) {
    const before = this._shown.species;
    this._shown = { ...this._shown, species: this._species() };
    if (before === this._shown.species) return;
    if (this._select) this._select.value = wanted;
    if (this._query.sort.endsWith(`${before}_t`)) this._ask({ sort: this._query.sort.replace(before, this._shown.species) });
    else this._again();
  }

  /** Heads of columns: a press sorts, another turns the order round. */
  _heads() {
    const by = this._query.sort.replace(/^-/, '');
    const down = this._query.sort.startsWith('-');
    const heads = COLUMNS.map((c) => {
      const sort = c.sort?.(this._shown);
      const here = sort === by;
      if (here) this._table.dataset.by = c.id;
      return h('th', { role: 'columnheader', scope: 'col', class: `${c.id}${c.number ? ' number' : ''}${sort ? ' sorts' : ''}`, 'aria-sort': sort ? (here ? (down ? 'descending' : 'ascending') : 'none') : null },
        sort ? h('button', { type: 'button', 'data-name': `sort-${c.id}`, onclick: () => this._ask({ sort: here ? (down ? by : `-${by}`) : `${c.down ? '-' : ''}${sort}` }) }, c.title(this._shown), h('span', { class: 'arrow', 'aria-hidden': 'true' }, here ? (down ? ' ▾' : ' ▴') : '')) : c.title(this._shown));
    });
    const last = h('th', { role: 'columnheader', scope: 'col', class: 'zoom-to' }, h('span', { class: 'visually-hidden' }, W('actions')));
    keepFocus(this._head, () => fill(this._head, heads, last));
  }

  /** @param {Unit} unit @param {number} index */
  _row(unit, index) {
    const label = W('zoom', { name: named(unit) || unit.unit });
    return h('tr', { role: 'row', 'aria-rowindex': index + 2, 'data-unit': unit.unit },
      COLUMNS.map((c) => h('td', { role: 'gridcell', class: c.number ? `${c.id} number` : c.id }, c.cell(unit, this._shown))),
      h('td', { role: 'gridcell', class: 'zoom-to' }, h('button', { type: 'button', class: 'icon', 'aria-label': label, title: label, disabled: !this._app.canvas?.available, onclick: () => this._zoom(unit) }, aim())));
  }

  /** Show where a unit lies; a table over the map makes room. @param {Unit} unit */
  _zoom(unit) {
    if (this._wide.getAttribute('aria-pressed') === 'true') this._widen();
    this._app.canvas.fit(unit.bbox);
  }

  _widen() {
    const wide = this._root.closest('.frame')?.classList.toggle('wide-panel') ?? false;
    this._wide.setAttribute('aria-pressed', String(wide));
    this._wide.title = W(wide ? 'narrow' : 'wide');
  }
}

/** A name as part of a file's name. @param {string} name */
function fileName(name) {
  return name.replace(/[\s\\/:*?"<>|]+/g, '-');
}
