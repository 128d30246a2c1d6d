// Units of one product in one state: how many, the merchant's questions, what is noted of each, photos.
import { album } from "./album.js";
import { filled, right, values, wrong } from "./fields.js";
import { graded } from "./grading.js";
import * as known from "./known.js";
import { fill, make, part, say, word } from "./words.js";

const MOST_UNITS = 9999;

/**
 * Ask about units of a product.
 * @param {any} found the return @param {{sku: string, line: any}} what `line` is none for what nobody announced
 * @param {(item: any) => void} noted called with what was typed, once it is complete
 */
export function product(found, { sku, line }, noted) {
  const form = /** @type {HTMLFormElement} */ (make("product", {
    name: line?.name || sku, sku, unexpected: line ? "" : say("unexpected"), received: line ? say("received", { part: line.received, whole: line.expected }) : "",
    instructions: line?.instructions,
  }));
  const set = known.questions(found.account_id);
  const answers = {};
  const photos = album(form);
  part(form, "graded").hidden = !set;
  part(form, "ungraded").hidden = Boolean(set);
  if (set) part(form, "questions").append(...set.questions.map((question, place) => asked(question, place)));
  part(form, "serial").hidden = line?.needs !== "serial";
  part(form, "lot").hidden = line?.needs !== "lot";
  form.addEventListener("change", () => {
    if (!set) return;
    for (const question of set.questions) answers[question.id] = form.elements[`question-${question.id}`].value;
    show(form, graded(set, answers));
  });
  form.addEventListener("click", (event) => {
    const step = /** @type {HTMLElement} */ (event.target).closest("[data-step]")?.dataset.step;
    if (step) more(form, Number(step));
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const item = read(form, { set, answers, line, sku, photos });
    if (item) noted(item);
  });
  return form;
}

function asked(question, place) {
  const made = make("question", { text: question.text });
  made.dataset.question = question.id;
  const options = question.answers.map((answer, number) => {
    const option = make("option", { text: answer.text, digit: number < 9 ? `${number + 1}` : "" });
    const input = option.querySelector("input");
    Object.assign(input, { name: `question-${question.id}`, value: answer.id, id: `question-${place}-${number}` });
    return option;
  });
  part(made, "options").append(...options);
  return made;
}

function show(form, verdict) {
  const place = part(form, "verdict");
  place.hidden = !verdict;
  if (!verdict) return;
  fill(place, { grade: verdict.grade, condition: word("condition", verdict.condition), disposition: word("disposition", verdict.disposition) });
  part(form, "photo-wanted").hidden = !verdict.photo;
}

/** Count up or down. @param {HTMLFormElement} form @param {number} step */
export function more(form, step) {
  const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("quantity"));
  field.value = `${Math.max(1, (Number(field.value) || 0) + step)}`;
}

/** Answer the first question that has no answer, by the number of its answer; says whether there was one. */
export function answerBy(form, digit) {
  const open = [...form.querySelectorAll("[data-question]")].find((each) => !each.querySelector(":checked"));
  const option = open?.querySelectorAll("input")[Number(digit) - 1];
  if (!option) return false;
  option.click();
  const following = [...form.querySelectorAll("[data-question]")].find((each) => !each.querySelector(":checked"));
  (following?.querySelector("input") ?? part(form, "note")).focus();
  return true;
}

function read(form, { set, answers, line, sku, photos }) {
  right(form);
  const typed = values(form);
  const quantity = Number(typed.quantity);
  const verdict = set ? graded(set, answers) : typed.grade && { grade: typed.grade, photo: false };
  const fault = firstFault({ typed, quantity, verdict, line, photos, set });
  if (fault) {
    wrong(form, ...fault);
    return null;
  }
  const judged = set ? { answers: { ...answers } } : { grade: typed.grade, condition: typed.condition };
  return {
    ...filled({ serial: typed.serial, lot: typed.lot, container: typed.container, note: typed.note, deviation: typed.deviation }),
    ...judged, sku, quantity, disposition: typed.disposition || "pending", name: line?.name || sku, photos: [...photos], shown: verdict,
  };
}

/** @returns {[string, string] | null} the field and what is wrong with it */
function firstFault({ typed, quantity, verdict, line, photos, set }) {
  if (!/^\d{1,9}$/.test(typed.quantity) || quantity < 1 || quantity > MOST_UNITS) return ["quantity", "quantity_range"];
  if (line?.needs === "serial" && !typed.serial) return ["serial", "serial_missing"];
  if (typed.serial && quantity !== 1) return ["quantity", "serial_one"];
  if (line?.needs === "lot" && !typed.lot) return ["lot", "lot_missing"];
  if (!verdict) return set ? ["questions", "answer_missing"] : ["grade", "grade_missing"];
  if (verdict.photo && !photos.length) return ["photo", "photo_missing"];
  return null;
}
