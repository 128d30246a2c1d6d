// Fields of the app's forms: their values, and the sentence by a field that is wrong.
import { say } from "./words.js";

/** What is typed in a form, by field name, without spaces around it. @param {HTMLFormElement} form */
export function values(form) {
  const found = {};
  for (const [name, value] of new FormData(form)) if (typeof value === "string") found[name] = value.trim();
  return found;
}

/** Say by a field what is wrong with it, and go there. @param {HTMLFormElement} form @param {string} name @param {string} code */
export function wrong(form, name, code) {
  const field = /** @type {HTMLInputElement} */ (form.querySelector(`[name="${name}"], [data-group="${name}"]`));
  const told = Object.assign(document.createElement("span"), { className: "wrong", id: `${name}-wrong`, textContent: say(code) });
  told.setAttribute("role", "alert");
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", told.id);
  field.closest(".field").append(told);
  (field.matches("input, select, textarea") ? field : field.querySelector("input, button"))?.focus();
}

/** Take all such sentences away. @param {HTMLElement} form */
export function right(form) {
  for (const told of form.querySelectorAll(".wrong")) told.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

/** Go on to the next field of a form. @param {HTMLElement} field */
export function goOn(field) {
  const form = field.closest("form");
  const all = [...form.querySelectorAll("input:not([type=hidden], [type=radio], [type=file]), select, textarea, button")].filter((each) => each.checkVisibility());
  all[all.indexOf(field) + 1]?.focus();
}

/** Leave out what is empty. @param {Record<string, any>} held */
export const filled = (held) => Object.fromEntries(Object.entries(held).filter(([, value]) => value !== "" && value !== null && value !== undefined));
