/** Renderings that leave the keyboard where it is: what had the focus is found again by its `data-name`. */

/**
 * Render what is in there anew; who had the focus has it again.
 * @param {HTMLElement} root @param {() => void} render
 * @param {{otherwise?: () => HTMLElement | null | undefined, preventScroll?: boolean}} [options] What has the focus where the one that had it is gone.
 */
export function keepFocus(root, render, { otherwise, preventScroll = false } = {}) {
  const at = document.activeElement;
  const name = at instanceof HTMLElement && root.contains(at) ? at.dataset.name : '';
  render();
  if (!name) return;
  const same = /** @type {HTMLElement | null} */ (root.querySelector(`[data-name="${CSS.escape(name)}"]:not(:disabled)`));
  (same ?? otherwise?.())?.focus({ preventScroll });
}
