// The photos of one thing: chosen or taken in a form, shown there, and taken out again.
import { forget, keep, NoPhoto, shown } from "./photos.js";
import { right, wrong } from "./fields.js";
import { make, part, say } from "./words.js";

const MOST = 20;

/**
 * Let a form's file field fill an album.
 * @param {HTMLFormElement} form @param {string[]} ids photos that are there already
 * @returns {string[]} the ids, as they are at any time
 */
export function album(form, ids = []) {
  const held = [...ids];
  const input = /** @type {HTMLInputElement} */ (form.querySelector('[name="photo"]'));
  const most = Number(document.getElementById("desk").dataset.mostBytes);
  const show = async () => {
    const figures = await Promise.all(held.map((id) => figure(id)));
    part(form, "album").replaceChildren(...figures);
  };
  const figure = async (id) => {
    const made = make("photo");
    made.prepend(Object.assign(await shown(id), { alt: say("photo") }));
    part(made, "remove").addEventListener("click", async () => {
      held.splice(held.indexOf(id), 1);
      await forget([id]);
      await show();
      input.focus();
    });
    return made;
  };
  input.addEventListener("change", async () => {
    right(form);
    for (const file of [...input.files].slice(0, MOST - held.length)) {
      try {
        held.push(await keep(file, most));
      } catch (fault) {
        if (!(fault instanceof NoPhoto)) throw fault;
        wrong(form, "photo", fault.code);
      }
    }
    input.value = "";
    await show();
  });
  show();
  return held;
}
