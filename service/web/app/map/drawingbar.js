/** Buttons of a drawing, over the map where it goes on, and what to do next. */

import { fill, h } from '../element.js';
import { words } from '../language.js';
import { degrees } from '../numbers.js';
import { BAR } from './drawing.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {import('./drawing.js').Drawing} Drawing */

const W = words({
  bar: ['绘制', 'Drawing'],
  first: ['点击地图放置顶点。', 'Click the map to set corners.'],
  firstKeys: ['键盘：方向键移动，空格放置，回车完成，Esc 取消。', 'By keys: arrows move, Space sets, Enter closes, Esc cancels.'],
  next: ['{count} 个顶点；最后 {at}。点击首个顶点、双击或按“完成”结束。', '{count} corners, the last at {at}. The first corner, a double click or Finish closes.'],
  few: ['{count} 个顶点；至少需要 3 个。', '{count} corners; three at least are needed.'],
  corner: ['点击放置矩形的一角。', 'Click to set one corner of the rectangle.'],
  across: ['再点击放置对角。', 'Click to set the corner across.'],
  rectangleKeys: ['键盘：方向键移动，空格放置。', 'By keys: arrows move, Space sets it.'],
  edit: ['拖动顶点；拖动边中点插入顶点；点选后可删除。', 'Drag corners; drag the middle of a side to insert one; click one to choose it.'],
  editKeys: ['键盘：空格拾起或放下十字处的顶点。', 'By keys: Space picks up and puts down the corner at the crosshair.'],
  undo: ['撤销', 'Undo'],
  remove: ['删除顶点', 'Delete corner'],
  close: ['完成', 'Finish'],
  cancel: ['取消', 'Cancel'],
});

const TOUCH = matchMedia('(pointer: coarse)').matches;

/** Show the bar for as long as something is drawn; gives back what ends it. @param {App} app @param {Drawing} drawing */
export function mountDrawingBar(app, drawing) {
  const told = h('p', { id: BAR, role: 'status', 'aria-live': 'polite' });
  const button = (/** @type {string} */ text, /** @type {() => void} */ act, name = '') => h('button', { type: 'button', class: name, onclick: act }, text);
  const undo = button(W('undo'), () => drawing.undo());
  const remove = button(W('remove'), () => drawing.remove());
  const close = button(W('close'), () => drawing.close(), 'strong');
  const bar = h('div', { class: 'area-tools', role: 'group', 'aria-label': W('bar'), hidden: true }, told,
    h('div', { class: 'row' }, undo, remove, close, button(W('cancel'), () => drawing.cancel())));
  const cancel = /** @type {HTMLElement} */ (bar.querySelector('.row')?.lastElementChild);
  const render = () => {
    const { mode, corners, chosen } = drawing;
    bar.hidden = !mode;
    if (!mode) return;
    undo.hidden = mode !== 'polygon';
    undo.toggleAttribute('disabled', !corners.length);
    remove.hidden = mode === 'rectangle';
    remove.toggleAttribute('disabled', chosen < 0 || (mode === 'edit' && corners.length <= 3));
    close.hidden = mode === 'rectangle';
    close.toggleAttribute('disabled', corners.length < 3);
    cancel.hidden = mode === 'edit';
    const text = hint(drawing);
    if (told.textContent !== text) fill(told, text);
  };
  app.frame.over.append(bar);
  drawing.watch(render);
  render();
  return () => bar.remove();
}

/** What to do next; keys are told where there are some. @param {Drawing} drawing */
function hint({ mode, corners }) {
  const keys = (/** @type {string} */ text, /** @type {'firstKeys' | 'rectangleKeys' | 'editKeys'} */ name) => (TOUCH ? text : `${text} ${W(name)}`);
  if (mode === 'rectangle') return keys(W(corners.length ? 'across' : 'corner'), 'rectangleKeys');
  if (mode === 'edit') return keys(W('edit'), 'editKeys');
  if (!corners.length) return keys(W('first'), 'firstKeys');
  const [lon, lat] = corners[corners.length - 1];
  return corners.length < 3 ? W('few', { count: corners.length }) : W('next', { count: corners.length, at: degrees(lon, lat) });
}
