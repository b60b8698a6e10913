/** Text, legends and bars on a 2D canvas: what a picture of the map has beside the map. Lengths are those of a page on the screen. */

/** @typedef {{ink: string, soft: string, line: string, ground: string}} Inks */
/** @typedef {{colour?: string, alpha?: number, line?: string, dashes?: number[], dot?: string, sign?: string, text: string}} Entry Of a legend: a filled square, as opaque as it is on the map, a line, a dot, or a sign. */
/** @typedef {{title: string, sub: string, entries: Entry[], note: string}} Block */

/** @type {Record<'light' | 'dark', Inks>} */
export const INKS = {
  light: { ink: '#17252a', soft: '#4d6067', line: '#9aa8ad', ground: '#ffffff' },
  dark: { ink: '#e6eeee', soft: '#a3b5ba', line: '#5b7076', ground: '#172326' },
};
const LEADING = 1.36;
const SWATCH = 15;
const GAP = 7;
/** What a line may end after: a Chinese sign, with the stop that follows it, or a space. Ids and units stay whole. */
const PIECES = /[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef][\u3001\u3002\uff0c\uff09\uff1a\uff1b]*|\s+|[^\s\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]+/gu;

export class Paper {
  /** @param {CanvasRenderingContext2D} context @param {Inks} inks @param {string} family Fonts of the text. */
  constructor(context, inks, family) {
    this.context = context;
    this.inks = inks;
    this._family = family;
  }

  /** @param {number} size @param {boolean} [strong] */
  font(size, strong = false) {
    this.context.font = `${strong ? 600 : 400} ${size}px ${this._family}`;
  }

  /** The lines that a text takes in a width. @param {string} text @param {number} width @param {number} size @param {boolean} [strong] @returns {string[]} */
  wrap(text, width, size, strong = false) {
    this.font(size, strong);
    const fits = (/** @type {string} */ line) => this.context.measureText(line).width <= width;
    /** @type {string[]} */
    const lines = [];
    let line = '';
    for (const piece of text.match(PIECES) ?? []) {
      // What is wider than a line, such as a digest, is broken anywhere.
      for (const part of fits(piece) ? [piece] : piece) {
        if (fits(line + part) || !line) line += part;
        else {
          lines.push(line.trimEnd());
          line = part.trimStart();
        }
      }
    }
    return line ? [...lines, line] : lines;
  }

  /** Write lines from a top edge down; gives back the bottom. @param {string[]} lines @param {number} x @param {number} y @param {{size: number, strong?: boolean, colour?: string}} options */
  write(lines, x, y, { size, strong = false, colour = this.inks.ink }) {
    this.font(size, strong);
    this.context.fillStyle = colour;
    this.context.textBaseline = 'middle';
    lines.forEach((line, k) => this.context.fillText(line, x, y + (k + 0.5) * size * LEADING));
    return y + lines.length * size * LEADING;
  }

  /** How high lines are. @param {string[]} lines @param {number} size */
  height(lines, size) {
    return lines.length * size * LEADING;
  }

  /** A legend from a point down; gives back the bottom. Without `shown`, it is measured alone. @param {Block[]} blocks @param {number} x @param {number} y @param {number} width @param {boolean} [shown] */
  legend(blocks, x, y, width, shown = true) {
    let at = y;
    const text = (/** @type {string} */ words, /** @type {number} */ size, /** @type {object} */ look = {}, indent = 0) => {
      const lines = words ? this.wrap(words, width - indent, size, 'strong' in look) : [];
      if (shown) this.write(lines, x + indent, at, { size, ...look });
      at += this.height(lines, size);
    };
    for (const block of blocks) {
      text(block.title, 12.5, { strong: true });
      text(block.sub, 11.5, { colour: this.inks.soft });
      at += 3;
      for (const entry of block.entries) {
        if (shown) this._sign(entry, x, at + 8.5);
        text(entry.text, 12, {}, SWATCH + GAP);
        at += 1.5;
      }
      text(block.note, 11, { colour: this.inks.soft });
      at += 12;
    }
    return at - 12;
  }

  /** The sign of an entry, its middle at a height. @param {Entry} entry @param {number} x @param {number} y */
  _sign({ colour, alpha = 1, line, dashes, dot, sign }, x, y) {
    const c = this.context;
    if (colour) {
      c.globalAlpha = alpha;
      c.fillStyle = colour;
      c.fillRect(x, y - 5.5, SWATCH, 11);
      c.globalAlpha = 1;
      c.lineWidth = 0.7;
      c.strokeStyle = this.inks.soft;
      c.strokeRect(x, y - 5.5, SWATCH, 11);
    } else if (line) {
      c.strokeStyle = line;
      c.lineWidth = 1.8;
      c.setLineDash((dashes ?? []).map((d) => d * 1.8));
      c.beginPath();
      c.moveTo(x, y);
      c.lineTo(x + SWATCH, y);
      c.stroke();
      c.setLineDash([]);
    } else if (dot) {
      c.fillStyle = dot;
      c.beginPath();
      c.arc(x + SWATCH / 2, y, 4, 0, 2 * Math.PI);
      c.fill();
    } else if (sign) {
      c.textAlign = 'center';
      this.write([sign], x + SWATCH / 2, y - 9, { size: 14, strong: true });
      c.textAlign = 'left';
    }
  }

  /** A length on the map, at the lower left of a box. @param {{pixels: number, text: string}} length @param {number} x @param {number} bottom */
  scale({ pixels, text }, x, bottom) {
    const c = this.context;
    this.font(12);
    const width = Math.max(pixels, c.measureText(text).width) + 16;
    c.globalAlpha = 0.88;
    c.fillStyle = this.inks.ground;
    c.fillRect(x, bottom - 30, width, 30);
    c.globalAlpha = 1;
    c.strokeStyle = this.inks.ink;
    c.lineWidth = 1.6;
    c.beginPath();
    c.moveTo(x + 8, bottom - 13);
    c.lineTo(x + 8, bottom - 7);
    c.lineTo(x + 8 + pixels, bottom - 7);
    c.lineTo(x + 8 + pixels, bottom - 13);
    c.stroke();
    c.textAlign = 'center';
    this.write([text], x + width / 2, bottom - 27, { size: 12 });
    c.textAlign = 'left';
  }

  /** What a side of a swipe is, in its upper corner. @param {string} text @param {number} x @param {number} y @param {'left' | 'right'} align */
  label(text, x, y, align) {
    this.font(12.5, true);
    const width = this.context.measureText(text).width + 14;
    const left = align === 'left' ? x : x - width;
    this.context.globalAlpha = 0.9;
    this.context.fillStyle = this.inks.ground;
    this.context.fillRect(left, y, width, 22);
    this.context.globalAlpha = 1;
    this.write([text], left + 7, y + 2.5, { size: 12.5, strong: true });
  }
}
