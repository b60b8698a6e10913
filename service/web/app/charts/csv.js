/** What a chart shows as a file: commas, a line a row, a mark of UTF-8 at the beginning for the spreadsheets that need it. */

import { h } from '../element.js';
import { words } from '../language.js';
import { saveBlob } from '../service.js';

/** @typedef {string | number | null | undefined} Value */

const W = words({
  save: ['下载 CSV', 'Download CSV'],
});
const MARK = '\ufeff';

/**
 * Text of a table.
 * @param {string[]} columns @param {Value[][]} rows
 */
export function csvText(columns, rows) {
  return MARK + [columns, ...rows].map((row) => row.map(quoted).join(',')).join('\r\n') + '\r\n';
}

/**
 * A button that hands a table to the reader.
 * @param {string} name Of the file, without its ending. @param {string} label What the table is, for who cannot see what is beside it.
 * @param {() => {columns: string[], rows: Value[][]}} table
 */
export function csvButton(name, label, table) {
  const save = () => {
    const { columns, rows } = table();
    saveBlob(new Blob([csvText(columns, rows)], { type: 'text/csv;charset=utf-8' }), `${name}.csv`);
  };
  return h('button', { type: 'button', class: 'small', 'data-name': `csv-${name.split('-')[0]}`, 'aria-label': `${W('save')}: ${label}`, title: W('save'), onclick: save }, h('span', { 'aria-hidden': 'true' }, '↓ '), 'CSV');
}

/** A value in a row; a text that a spreadsheet would compute is held back. @param {Value} value */
function quoted(value) {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  const text = (value ?? '').replace(/^(?=[=+\-@\t\r])/, "'");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
