// The screen of a parcel that nobody announced: its numbers, its photos, and why it may be here.
import { album } from "./album.js";
import { filled, right, values, wrong } from "./fields.js";
import { make, part, say } from "./words.js";

const MOST_NUMBERS = 20;

/**
 * Register a parcel. @param {string[]} numbers what was scanned already
 * @param {{operator: () => string, book: (kept: any) => Promise<void>}} desk
 */
export function parcel(numbers, desk) {
  const screen = make("parcel");
  const form = /** @type {HTMLFormElement} */ (screen.querySelector("form"));
  const input = /** @type {HTMLInputElement} */ (form.elements.namedItem("number"));
  const held = [...new Set(numbers)];
  const photos = album(form);
  const show = () => part(form, "numbers").replaceChildren(...held.map((number) => chip(number)));
  const chip = (number) => {
    const made = make("number", { number });
    part(made, "remove").setAttribute("aria-label", say("remove", { what: number }));
    part(made, "remove").addEventListener("click", () => {
      held.splice(held.indexOf(number), 1);
      show();
      input.focus();
    });
    return made;
  };
  const take = (text) => {
    const number = text.trim();
    if (number && !held.includes(number) && held.length < MOST_NUMBERS) held.push(number);
    input.value = "";
    show();
    input.focus();
  };
  part(form, "add").addEventListener("click", () => take(input.value));
  input.addEventListener("desk:taken", (event) => {
    event.stopPropagation();
    take(input.value);
  });
  input.addEventListener("keydown", (event) => {
    // Enter with something typed adds it; Enter with nothing registers the parcel.
    if (event.key !== "Enter" || !input.value.trim()) return;
    event.preventDefault();
    take(input.value);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    right(form);
    if (input.value.trim()) take(input.value);
    if (!held.length && !photos.length) return wrong(form, "number", "parcel_empty");
    const { kind, sender, postcode, note } = values(form);
    const told = { numbers: held, kind, ...filled({ sender, postcode, note }) };
    const receipt = { parcel: told, by: desk.operator(), observed_at: new Date().toISOString() };
    return desk.book({ receipt, photos: photos.map((id) => ({ id, item: null })) });
  });
  show();
  return { screen, scan: (code) => (take(code), true), press: () => false, focus: () => input.focus() };
}
