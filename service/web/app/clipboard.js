/** Text for the clipboard, with or without the browser's leave. */

/**
 * Copy a text that a field shows. Where the browser does not allow it, the text stays selected, ready for the keys.
 * @param {HTMLInputElement} field
 * @returns {Promise<boolean>} Whether it was copied.
 */
export async function copyField(field) {
  try {
    // There is no such thing on a page that came by plain http from another machine.
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.focus();
    field.select();
    field.setSelectionRange(0, field.value.length);
    try {
      return document.execCommand('copy');
    } catch {
      return false;
    }
  }
}
