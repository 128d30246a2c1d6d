// What the app says, in the reader's language: the page brings the texts, and templates that are filled in here.

/** Say a text by its name, with values put in. @param {string} name @param {Record<string, unknown>} [values] */
export function say(name, values = {}) {
  const text = found(name) ?? name;
  return text.replace(/\{(\w+)\}/g, (_, key) => String(values[key] ?? ""));
}

/** Say a word of the contract, such as a condition; one that is not known is shown as it is. */
export const word = (kind, code) => found(`${kind}:${code}`) ?? code;

/** Say why something was refused: in the reader's language where there are words for it, else as the hub said it. */
export const reason = (code, message) => found(`refused:${code}`) ?? (message || code);

function found(name) {
  const words = /** @type {HTMLTemplateElement} */ (document.getElementById("words")).content;
  return words.querySelector(`[data-word="${CSS.escape(name)}"]`)?.textContent.trim();
}

/**
 * Make what a template shows. Texts go where `data-fill` names them; what is empty there is left out.
 * @param {string} name @param {Record<string, unknown>} [values] @returns {HTMLElement}
 */
export function make(name, values = {}) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(`make-${name}`));
  const made = /** @type {HTMLElement} */ (template.content.firstElementChild.cloneNode(true));
  fill(made, values);
  return made;
}

/** Put texts where `data-fill` names them. @param {HTMLElement} root @param {Record<string, unknown>} values */
export function fill(root, values) {
  for (const [name, value] of Object.entries(values)) {
    for (const place of [root, ...root.querySelectorAll("[data-fill]")].filter((each) => each.dataset.fill === name)) {
      place.textContent = value ?? "";
      place.toggleAttribute("hidden", value === "" || value === null || value === undefined);
    }
  }
}

/** The one element of a part that has a mark: data-NAME. @returns {any} */
export const part = (root, name) => root.querySelector(`[data-${name}]`);
