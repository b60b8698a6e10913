/** The frame of the page: head, tabs, the open panel, the stage with the map, and the page of what was clicked. */

import { fill, h } from './element.js';
import { language, speak, words } from './language.js';
import { chooseTheme, theme } from './theme.js';

/** @typedef {import('./types.js').App} App */
/** @typedef {import('./types.js').Mount} Mount */
/** @typedef {import('./types.js').PanelName} PanelName */

const W = words({
  skip: ['跳到面板', 'Skip to the panel'],
  panels: ['面板', 'Panels'],
  panel: ['打开的面板', 'The open panel'],
  result: ['成果', 'Result'],
  theme: ['明暗', 'Light or dark'],
  auto: ['跟随系统', 'as the system'],
  light: ['浅色', 'light'],
  dark: ['深色', 'dark'],
  other: ['English', '中文'],
  key: ['密钥', 'Key'],
  keyOf: ['访问密钥（仅保存在此标签页）', 'Access key (kept in this tab alone)'],
  use: ['使用', 'Use'],
  forget: ['清除', 'Forget'],
  close: ['关闭', 'Close'],
  api: ['数据接口', 'Data'],
  docs: ['接口文档', 'API'],
  collapse: ['收起面板', 'Close the panel'],
});

/** Pictures of the tabs: paths on 24 × 24. */
const ICONS = {
  layers: 'M12 3 2 8.5l10 5.5 10-5.5L12 3ZM4 12.5 2 13.6l10 5.5 10-5.5-2-1.1-8 4.4-8-4.4Z',
  threshold: 'M4 6h9v2H4V6Zm13 0h3v2h-3v2h-2V4h2v2ZM4 16h3v2H4v-2Zm7 0h9v2h-9v2H9v-6h2v2Zm-7-5h12v2H4v-2Z',
  charts: 'M4 4h2v14h14v2H4V4Zm4 9 3-4 3 2.5L19 5l1.6 1.2-6.2 8.2-3-2.5L9.5 14 8 13Z',
  units: 'M3 5h18v3H3V5Zm0 5h7v4H3v-4Zm9 0h9v4h-9v-4Zm-9 6h7v3H3v-3Zm9 0h9v3h-9v-3Z',
  compare: 'M11 3h2v18h-2V3ZM3 6h6v12H3V6Zm12 0h6v12h-6V6Zm2 2v8h2V8h-2Z',
  area: 'M4 3 3 4v3h1l3 9H6v4h4v-2l7-2v1h4v-4h-2l-2-7h1V2h-4v1L7 5V3H4Zm4 4 6-2v1h1.5l2 7H17l-7 2-2.8-8H8Z',
  share: 'M18 15a3 3 0 0 0-2.3 1.1L9 12.7v-1.4l6.7-3.4A3 3 0 1 0 15 6v.6L8.3 9.9a3 3 0 1 0 0 4.2l6.7 3.3V18a3 3 0 1 0 3-3Z',
};
export const PANELS = /** @type {PanelName[]} */ (Object.keys(ICONS));

export class Frame {
  /** @param {HTMLElement} root @param {App} app @param {Record<PanelName, {title: () => string, mount: Mount}>} panels */
  constructor(root, app, panels) {
    this._app = app;
    this._panels = panels;
    this._endPanel = () => {};
    this._endPage = () => {};
    /** @type {HTMLElement} */
    this.stage = h('main', { class: 'stage', id: 'stage' });
    /** What lies over the map: legend, readouts. @type {HTMLElement} */
    this.over = h('div', { class: 'over' });
    this._tabs = h('div', { class: 'tabs', role: 'tablist', 'aria-orientation': 'vertical', 'aria-label': W('panels') });
    this._panel = h('div', { class: 'panel', id: 'panel', role: 'tabpanel', tabindex: '-1' });
    this._page = h('aside', { class: 'page', tabindex: '-1', hidden: true });
    this._said = h('div', { class: 'said', role: 'status', 'aria-live': 'polite' });
    this._head = h('header', { class: 'head' });
    this._root = root;
  }

  /** Put the frame on the page. */
  begin() {
    const { store } = this._app;
    this._shape();
    fill(this._root, h('a', { class: 'skip', href: '#panel', onclick: (/** @type {Event} */ e) => { e.preventDefault(); if (!store.state.panel) store.set({ panel: PANELS[0] }); this._panel.focus(); } }, W('skip')),
      this._head, h('nav', { class: 'side', 'aria-label': W('panels') }, this._tabs), h('section', { class: 'beside', 'aria-label': W('panel') }, this._panel), this.stage, this._page, this._said);
    this.stage.append(this.over);
    this._renderHead();
    this._renderTabs();
    this._renderPanel();
    store.on(['panel'], () => { this._renderTabs(); this._renderPanel(); });
    store.on(['result'], () => { this._renderHead(); this._renderPanel(); });
  }

  /**
   * Open a page beside the map. The page's own close button, Escape, and `closePage` end it and call `closed`.
   * @param {string} title @param {Mount} mount @param {() => void} closed
   */
  openPage(title, mount, closed) {
    const first = this._page.hidden;
    this._endPage();
    const body = h('div', { class: 'page-body' });
    const close = h('button', { class: 'icon', type: 'button', 'aria-label': W('close'), title: W('close'), onclick: () => closed() }, '✕');
    fill(this._page, h('div', { class: 'page-head' }, h('h2', {}, title), close), body);
    this._page.setAttribute('aria-label', title);
    this._page.onkeydown = (e) => { if (e.key === 'Escape') closed(); };
    this._page.hidden = false;
    this._endPage = mount(body, this._app);
    if (first) {
      this._before = /** @type {HTMLElement | null} */ (document.activeElement);
      this._shape();
    }
    this._page.focus({ preventScroll: true });
  }

  /** Another title for the page that is open. @param {string} title */
  titlePage(title) {
    const head = this._page.querySelector('h2');
    if (head) head.textContent = title;
    this._page.setAttribute('aria-label', title);
  }

  /** Close the page, if one is open; the focus goes back to where it was. */
  closePage() {
    if (this._page.hidden) return;
    this._endPage();
    this._endPage = () => {};
    this._page.hidden = true;
    fill(this._page);
    this._shape();
    this._before?.focus({ preventScroll: true });
  }

  /** Say something in passing: read aloud, shown for some seconds. @param {string} text @param {boolean} [wrong] */
  say(text, wrong = false) {
    const note = h('div', { class: wrong ? 'note wrong' : 'note' }, text);
    this._said.append(note);
    setTimeout(() => note.remove(), wrong ? 9_000 : 5_000);
  }

  _shape() {
    this._root.classList.toggle('with-panel', this._app.store.state.panel !== '');
    this._root.classList.toggle('with-page', !this._page.hidden);
    requestAnimationFrame(() => this._app.canvas?.resize());
  }

  _renderHead() {
    const { store, catalogue, settings, service } = this._app;
    const results = h('select', { class: 'result', 'aria-label': W('result'), value: store.state.result, onchange: (/** @type {any} */ e) => store.set({ result: e.target.value, unit: '', cell: null, compare: '' }) },
      catalogue.shown.map((head) => h('option', { value: head.id }, catalogue.title(head))));
    const light = h('select', { class: 'small', 'aria-label': W('theme'), title: W('theme'), value: theme(), onchange: (/** @type {any} */ e) => chooseTheme(e.target.value) },
      ['auto', 'light', 'dark'].map((t) => h('option', { value: t }, W(/** @type {any} */ (t)))));
    const tongue = h('button', { type: 'button', class: 'small', lang: language() === 'zh' ? 'en' : 'zh-CN', onclick: () => { speak(language() === 'zh' ? 'en' : 'zh'); location.reload(); } }, W('other'));
    fill(this._head,
      h('h1', {}, h('span', { class: 'mark', 'aria-hidden': 'true' }), settings.title),
      results,
      h('div', { class: 'tools' },
        settings.facilities && !service.key ? null : this._keyButton(),
        h('a', { href: 'ogc?f=html', class: 'small', title: 'OGC API' }, W('api')), h('a', { href: 'docs', class: 'small' }, W('docs')), light, tongue));
  }

  _keyButton() {
    const { service } = this._app;
    const field = h('input', { type: 'password', autocomplete: 'off', spellcheck: 'false', 'aria-label': W('keyOf'), placeholder: 'cz_…', value: service.key });
    const carry = (/** @type {string} */ key) => { service.carry(key); location.reload(); };
    const form = h('form', { method: 'dialog', onsubmit: () => carry(field.value) }, h('label', {}, W('keyOf'), field),
      h('div', { class: 'row' }, h('button', { type: 'submit', class: 'strong' }, W('use')), h('button', { type: 'button', onclick: () => carry('') }, W('forget')), h('button', { type: 'button', onclick: () => dialog.close() }, W('close'))));
    const dialog = h('dialog', { class: 'key' }, form);
    return [h('button', { type: 'button', class: service.key ? 'small on' : 'small', onclick: () => dialog.showModal() }, W('key')), dialog];
  }

  _renderTabs() {
    const open = this._app.store.state.panel;
    const at = document.activeElement;
    const kept = at instanceof HTMLElement && this._tabs.contains(at) ? at.dataset.panel : '';
    fill(this._tabs, PANELS.map((name) => h('button', {
      type: 'button', role: 'tab', id: `tab-${name}`, 'data-panel': name, 'aria-selected': String(name === open), 'aria-controls': 'panel',
      tabindex: name === (open || PANELS[0]) ? '0' : '-1',
      onclick: () => this._app.store.set({ panel: name === this._app.store.state.panel ? '' : name }),
    }, icon(ICONS[/** @type {keyof typeof ICONS} */ (name)]), h('span', {}, this._panels[name].title()))));
    this._tabs.onkeydown = (e) => this._walk(e);
    if (kept) /** @type {HTMLElement | null} */ (this._tabs.querySelector(`#tab-${kept}`))?.focus();
  }

  /** Arrow keys walk the tabs. @param {KeyboardEvent} e */
  _walk(e) {
    const tabs = /** @type {HTMLElement[]} */ ([...this._tabs.children]);
    const here = tabs.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, Home: -here, End: tabs.length - 1 - here }[e.key];
    if (here < 0 || step === undefined) return;
    e.preventDefault();
    tabs[(here + step + tabs.length) % tabs.length].focus();
  }

  _renderPanel() {
    const { panel } = this._app.store.state;
    this._endPanel();
    this._endPanel = () => {};
    this._panel.hidden = !panel;
    fill(this._panel);
    this._shape();
    if (!panel) return;
    this._panel.setAttribute('aria-labelledby', `tab-${panel}`);
    const body = h('div', { class: `panel-body panel-${panel}` });
    this._panel.append(h('div', { class: 'panel-head' }, h('h2', {}, this._panels[panel].title()),
      h('button', { class: 'icon', type: 'button', 'aria-label': W('collapse'), title: W('collapse'), onclick: () => this._app.store.set({ panel: '' }) }, '✕')), body);
    this._endPanel = this._panels[panel].mount(body, this._app);
  }
}

/** @param {string} path */
function icon(path) {
  const ns = 'http://www.w3.org/2000/svg';
  const out = document.createElementNS(ns, 'svg');
  out.setAttribute('viewBox', '0 0 24 24');
  out.setAttribute('aria-hidden', 'true');
  const drawn = document.createElementNS(ns, 'path');
  drawn.setAttribute('d', path);
  out.append(drawn);
  return out;
}
