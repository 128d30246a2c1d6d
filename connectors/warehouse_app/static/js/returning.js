// The screen of one return: what is expected, what is noted, and the ways to book it.
import * as ask from "./ask.js";
import * as drafts from "./drafts.js";
import * as known from "./known.js";
import { answerBy, more, product } from "./product.js";
import { forget } from "./photos.js";
import { answer } from "./signal.js";
import { make, part, reason, say, word } from "./words.js";

/**
 * Show a return. @param {any} found @param {{operator: () => string, book: (kept: any) => Promise<void>, again: () => void}} desk
 */
export async function returning(found, desk) {
  const draft = await drafts.of(found);
  const screen = make("return", {
    number: found.return_number, account: found.account, status: word("status", found.status),
    order: found.order_number ? say("order", { number: found.order_number }) : "",
  });
  part(screen, "over").hidden = found.open;
  part(screen, "reopening").hidden = found.open;
  const view = { found, draft, screen, form: null, sure: false, desk };
  part(screen, "reopen").addEventListener("submit", (event) => reopen(event, view));
  part(screen, "book").addEventListener("click", () => book(view, false));
  part(screen, "finalise").addEventListener("click", () => book(view, true));
  part(screen, "close").addEventListener("click", () => desk.book(drafts.closed(found, desk.operator())));
  part(screen, "close").textContent = say(found.settles_unchecked ? "close_finalise" : "close_check");
  show(view);
  const open = found.lines.filter((line) => line.received < line.expected);
  if (!draft.items.length && found.open && open.length === 1) begin(view, open[0].sku);
  return { screen, scan: (code) => scan(view, code), press: (key) => press(view, key), focus: () => focus(view), unexpected: (sku) => begin(view, sku) };
}

function show(view) {
  const { found, draft, screen } = view;
  const short = drafts.missing(found, draft);
  part(screen, "lines").replaceChildren(...found.lines.map((line) => lineOf(view, line)));
  part(screen, "noted").replaceChildren(...draft.items.map((item, place) => notedOf(view, item, place)));
  // One thing at a time: a phone has room for no more.
  part(screen, "lines").hidden = Boolean(view.form);
  part(screen, "noted-part").hidden = Boolean(view.form) || !draft.items.length;
  part(screen, "short").hidden = !view.sure;
  part(screen, "short-list").replaceChildren(...short.map((each) => make("short", { text: say("short_of", each) })));
  const begun = found.lines.some((line) => line.received);
  part(screen, "book").hidden = !draft.items.length;
  part(screen, "finalise").hidden = !(draft.items.length || (begun && found.open));
  part(screen, "finalise").textContent = say(view.sure ? "finalise_short" : draft.items.length ? "book_finalise" : "finalise");
  part(screen, "close").hidden = Boolean(draft.items.length) || !found.open || begun;
  part(screen, "actions").hidden = Boolean(view.form);
}

function lineOf(view, line) {
  const made = make("line", {
    name: line.name || line.sku, sku: line.sku, received: say("received", { part: line.received, whole: line.expected }),
    instructions: line.instructions, needs: line.needs ? say(`needs_${line.needs}`) : "",
  });
  Object.assign(made.querySelector("progress"), { max: line.expected, value: Math.min(line.received, line.expected) });
  const add = part(made, "add");
  add.setAttribute("aria-label", `${add.textContent.trim()}: ${line.name || line.sku}`);
  add.addEventListener("click", () => begin(view, line.sku));
  return made;
}

function notedOf(view, item, place) {
  const made = make("noted", {
    quantity: `${item.quantity} ×`, name: item.name, grade: item.shown.grade, photos: item.photos.length ? say("photos", { number: item.photos.length }) : "",
    state: [item.shown.condition && word("condition", item.shown.condition), item.serial, item.lot, item.container].filter(Boolean).join(" · "),
  });
  part(made, "remove").setAttribute("aria-label", say("remove", { what: item.name }));
  part(made, "remove").addEventListener("click", async () => {
    view.draft.items.splice(place, 1);
    await forget(item.photos);
    await changed(view);
  });
  return made;
}

/** Ask about units of a product, in place of the buttons. */
function begin(view, sku) {
  const line = known.lineOf(view.found, sku) ?? null;
  const form = product(view.found, { sku: line?.sku ?? sku, line }, async (item) => {
    view.draft.items.push(item);
    end(view);
    await changed(view);
    focus(view);
  });
  part(form, "cancel").addEventListener("click", () => {
    end(view);
    show(view);
    focus(view);
  });
  view.form = form;
  part(view.screen, "form").replaceChildren(form);
  show(view);
  focus(view);
}

function end(view) {
  view.form = null;
  view.sure = false;
  part(view.screen, "form").replaceChildren();
}

async function changed(view) {
  await drafts.keep(view.draft);
  show(view);
}

function focus(view) {
  const whole = !drafts.missing(view.found, view.draft).length;
  const next = view.form?.querySelector("[data-question] input") ?? view.form?.elements.namedItem("quantity");
  const button = view.draft.items.length ? part(view.screen, whole || view.sure ? "finalise" : "book") : view.screen.querySelector("[data-add]");
  (next ?? button ?? view.screen).focus();
}

async function book(view, finalise) {
  const short = drafts.missing(view.found, view.draft);
  if (finalise && short.length && view.found.open && !view.sure) {
    view.sure = true;
    show(view);
    return focus(view);
  }
  return view.desk.book(drafts.receipt(view.draft, { by: view.desk.operator(), finalise }));
}

/** A code that was scanned while this return is open: one of its products, or something to ask about. */
function scan(view, code) {
  const line = known.lineOf(view.found, code);
  if (!line) return false;
  const same = view.form && part(view.form, "sku-of")?.textContent === line.sku && line.needs !== "serial";
  if (same) more(view.form, 1);
  else begin(view, line.sku);
  return true;
}

function press(view, key) {
  if (!view.form) return false;
  if (key === "+" || key === "-") more(view.form, key === "+" ? 1 : -1);
  return /[1-9]/.test(key) && answerBy(view.form, key);
}

async function reopen(event, view) {
  event.preventDefault();
  const why = new FormData(event.target).get("why").trim();
  if (!why) return answer("bad", say("why_missing"));
  try {
    const found = await ask.post(`/returns/${encodeURIComponent(view.found.return_number)}/reopen`, { why });
    await known.keep(found);
    answer("good", say("reopened"));
    view.desk.again();
  } catch (fault) {
    const told = fault instanceof ask.Refused ? reason(fault.code, fault.message) : say("needs_connection");
    answer("bad", say("nothing_booked"), [told]);
  }
}
