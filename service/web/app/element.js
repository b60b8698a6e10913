/** Elements made in one expression. Text is always text: nothing here reads HTML. */

/** @typedef {Node | string | number | null | undefined | false} Child */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * An HTML element. Properties: `class`, `on<event>` functions, `data-…`, `aria-…`, booleans as attributes that are there or not.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, any>} [properties]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(name, properties = {}, ...children) {
  return /** @type {HTMLElementTagNameMap[K]} */ (filled(document.createElement(name), properties, children));
}

/**
 * An SVG element.
 * @param {string} name
 * @param {Record<string, any>} [properties]
 * @param {...(Child | Child[])} children
 * @returns {SVGElement}
 */
export function svg(name, properties = {}, ...children) {
  return /** @type {SVGElement} */ (filled(document.createElementNS(SVG, name), properties, children));
}

/** Put these in place of what is there. @param {Element} root @param {...(Child | Child[])} children */
export function fill(root, ...children) {
  root.replaceChildren(...nodes(children));
}

/** @param {Element} element @param {Record<string, any>} properties @param {(Child | Child[])[]} children */
function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('on') && typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (name === 'value' && 'value' in element) continue;
    else if (name === 'style') for (const [k, v] of Object.entries(value)) /** @type {any} */ (element).style.setProperty(k, v);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...nodes(children));
  // A select takes its value only after it has its options.
  if ('value' in properties && 'value' in element) element.value = properties.value;
  return element;
}

/** @param {(Child | Child[])[]} children */
function nodes(children) {
  return children.flat().flatMap((c) => (c === null || c === undefined || c === false ? [] : [c instanceof Node ? c : String(c)]));
}
