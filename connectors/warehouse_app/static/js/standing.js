// The line above everything: who stands here, whether the hub can be reached, and how much waits.
import * as ask from "./ask.js";
import * as outbox from "./outbox.js";
import * as store from "./store.js";
import { part, say } from "./words.js";

// Who stood here last, and where, for when the hub cannot be asked.
const REMEMBERED = "warehouse-app-standing";
let name = "";

/** Who stands here. */
export const operator = () => name;

/** Find out who stands here and open what is kept for their warehouse; says whether the hub was reached. */
export async function begin() {
  let fault = null;
  let found = JSON.parse(localStorage.getItem(REMEMBERED) ?? "null");
  try {
    const { token, ...told } = await ask.session();
    found = told;
    localStorage.setItem(REMEMBERED, JSON.stringify(found));
  } catch (error) {
    fault = error;
    if (!found) throw error;
  }
  name = found.operator;
  await store.open(found.warehouse_id);
  part(document, "operator").textContent = name;
  reached(fault);
  await count();
  return fault === null;
}

/** Show whether the hub answers. @param {Error | null} fault */
export function reached(fault) {
  const link = part(document, "link");
  const state = fault === null ? "online" : fault instanceof ask.SignedOut ? "signed_out" : "offline";
  link.textContent = say(state);
  link.className = `badge dot ${fault === null ? "good" : "warn"}`;
}

/** Show how much waits. */
export async function count() {
  const { waiting, asking } = await outbox.counts();
  const link = part(document, "waiting");
  link.hidden = !waiting && !asking;
  link.textContent = [waiting && say("waiting", { number: waiting }), asking && say("to_decide", { number: asking })].filter(Boolean).join(" · ");
  link.classList.toggle("danger", asking > 0);
}
