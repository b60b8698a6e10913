/** Panel: the link of this view, addresses for other programs, and a picture of the map. */

import { write } from '../address.js';
import { chips } from '../chips.js';
import { copyField } from '../clipboard.js';
import { fill, h } from '../element.js';
import { keepFocus } from '../focus.js';
import { words } from '../language.js';
import { Latest } from '../latest.js';
import { encode } from '../map/polygon.js';
import { BASE, saveBlob } from '../service.js';
import { DEFAULTS } from '../state.js';
import { onTheme } from '../theme.js';
import { isTiled, offersOf } from './addresses.js';
import { SIZES, pictureOf, titleOf } from '../picture.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('../types.js').State} State */
/** @typedef {import('./addresses.js').Offer} Offer */
/** @typedef {import('./addresses.js').MatrixSet} MatrixSet */

const W = words({
  link: ['此视图的链接', 'Link of this view'],
  linkHint: ['打开者看到同样的成果、图层、阈值与位置；密钥不在链接中。', 'Who opens it sees the same result, layer, threshold and place; keys are not part of it.'],
  noArea: ['所画多边形顶点过多，不在链接中。', 'The polygon has too many corners for the link.'],
  copy: ['复制', 'Copy'],
  copyOf: ['复制：{what}', 'Copy: {what}'],
  copied: ['已复制', 'Copied'],
  selected: ['已选中，请按 Ctrl+C', 'Selected: press Ctrl+C'],
  picture: ['地图图片', 'Picture of the map'],
  title: ['标题', 'Title'],
  size: ['尺寸', 'Size'],
  screen: ['与屏幕相同', 'as on the screen'],
  a4: ['A4 横向，150 dpi', 'A4 landscape, 150 dpi'],
  ground: ['底色', 'Ground'],
  light: ['浅色', 'light'],
  dark: ['深色', 'dark'],
  save: ['保存 PNG', 'Save as PNG'],
  saving: ['正在绘制…', 'Drawing it …'],
  saved: ['已保存 {name}', '{name} is saved'],
  holds: ['图上有标题、图例与单位、比例尺、来源、日期、成果编号及其成果元数据（manifest）的 SHA-256。', 'It has the title, the legend with units, a scale bar, the source, the date, the result’s id and its manifest’s SHA-256.'],
  noMap: ['此浏览器不能显示地图，无法绘制图片。', 'This browser shows no map, so there is no picture of it.'],
  gis: ['用于 GIS 的地址', 'Addresses for a GIS'],
  sets: ['瓦片坐标系', 'Tiles in'],
  WebMercatorQuad: ['Web 墨卡托', 'Web Mercator'],
  CGCS2000Quad: ['经纬度（CGCS2000）', 'longitude and latitude (CGCS2000)'],
  download: ['下载', 'Download'],
});
const FEEDBACK_MS = 2_500;
const KEYS = /** @type {(keyof State)[]} */ (Object.keys(DEFAULTS));
/** @type {MatrixSet} The set that was looked at last. */
let matrixSet = 'WebMercatorQuad';

/** @type {import('../types.js').Mount} */
export function mountShare(root, app) {
  const gis = h('div', { class: 'share-offers' });
  const said = h('p', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite' });
  const { field, render } = link(app);
  fill(root, h('h3', {}, W('link')), field, h('h3', {}, W('picture')), ...pictureForm(app), h('h3', {}, W('gis')), gis, said);
  const work = async (/** @type {null} */ _, /** @type {AbortSignal} */ signal) => {
    const offers = await offersOf(app, matrixSet);
    if (!signal.aborted) renderOffers(gis, app, offers, () => latest.ask(null));
  };
  const latest = new Latest(work, (error) => app.frame.say(error.message, true));
  latest.ask(null);
  const ends = [app.store.on(KEYS, render), app.store.on(['result', 'layer', 'style', 'year', 'from', 'share', 'mode', 'least', 'size'], () => latest.ask(null)), onTheme(() => latest.ask(null))];
  return () => { ends.forEach((end) => end()); latest.end(); };
}

/** The link, kept up with the state. @param {App} app */
function link(app) {
  const line = copied(W('link'), '');
  const input = /** @type {HTMLInputElement} */ (line.querySelector('input'));
  const hint = h('p', { class: 'hint' });
  const render = () => {
    const { state } = app.store;
    input.value = `${BASE.href}${write(state)}`;
    fill(hint, W('linkHint'), state.area && encode(state.area) === null ? h('span', { class: 'wrong' }, ` ${W('noArea')}`) : null);
  };
  render();
  return { field: h('div', {}, line, hint), render };
}

/** A text that is read and copied. @param {string} what @param {string} text @param {...HTMLElement} more */
function copied(what, text, ...more) {
  const field = h('input', { type: 'text', readonly: true, value: text, 'aria-label': what, spellcheck: 'false', onfocus: (/** @type {any} */ e) => e.target.select() });
  const told = h('span', { role: 'status', 'aria-live': 'polite', class: 'share-told' });
  const button = h('button', { type: 'button', 'aria-label': W('copyOf', { what }), onclick: async () => {
    const done = await copyField(field);
    if (done) button.focus();
    fill(told, W(done ? 'copied' : 'selected'));
    window.setTimeout(() => fill(told), FEEDBACK_MS);
  } }, W('copy'));
  return h('div', { class: 'share-line' }, field, button, ...more, told);
}

/** @param {HTMLElement} root @param {App} app @param {Offer[]} offers @param {() => void} again */
function renderOffers(root, app, offers, again) {
  const sets = h('div', { class: 'field', role: 'group', 'aria-label': W('sets') }, h('span', { 'aria-hidden': 'true' }, W('sets')),
    chips('set', matrixSet, ['WebMercatorQuad', 'CGCS2000Quad'], (s) => W(/** @type {MatrixSet} */ (s)), (s) => { matrixSet = /** @type {MatrixSet} */ (s); again(); }));
  const save = (/** @type {Offer} */ offer) => (offer.save ? [h('button', { type: 'button', 'aria-label': `${W('download')}: ${offer.title}`, onclick: () => {
    app.service.save(offer.address, offer.save ?? '').catch((error) => app.frame.say(error.message, true));
  } }, W('download'))] : []);
  const shown = (/** @type {Offer} */ offer) => h('section', { class: 'share-offer', 'data-offer': offer.name }, h('h4', {}, offer.title), copied(offer.title, offer.address, ...save(offer)), offer.how.map((text) => h('p', { class: 'hint' }, text)));
  const first = offers.findIndex(isTiled);
  keepFocus(root, () => fill(root, ...offers.flatMap((offer, k) => [k === first ? sets : null, shown(offer)])));
}

/** @param {App} app */
function pictureForm(app) {
  const title = h('input', { type: 'text', maxlength: 200 });
  const size = h('select', {}, SIZES.map((s) => h('option', { value: s }, W(s))));
  const ground = h('select', {}, ['light', 'dark'].map((g) => h('option', { value: g }, W(/** @type {'light' | 'dark'} */ (g)))));
  const told = h('p', { class: 'hint', role: 'status', 'aria-live': 'polite' }, W('holds'));
  void titleOf(app).then((text) => { title.placeholder = text; }).catch(() => {});
  const save = h('button', { type: 'button', class: 'strong', onclick: async () => {
    save.disabled = true;
    fill(told, W('saving'));
    try {
      const { blob, name } = await pictureOf(app, { title: title.value.trim(), size: /** @type {any} */ (size.value), dark: ground.value === 'dark' });
      saveBlob(blob, name);
      fill(told, W('saved', { name }));
    } catch (error) {
      fill(told, W('holds'));
      app.frame.say(/** @type {Error} */ (error).message, true);
    }
    save.disabled = false;
    save.focus();
  } }, W('save'));
  void Promise.resolve().then(() => app.canvas.ready).then(() => {
    if (app.canvas.available) return;
    save.disabled = true;
    fill(told, W('noMap'));
  });
  const field = (/** @type {string} */ name, /** @type {HTMLElement} */ control) => h('label', { class: 'field' }, h('span', {}, name), control);
  return [field(W('title'), title), h('div', { class: 'share-picture' }, field(W('size'), size), field(W('ground'), ground)), save, told];
}
