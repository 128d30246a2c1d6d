// The desk: which screen is shown, what a scan leads to, and the one way to book. The address says where one is, so a
// reload comes back to the same place.
import * as ask from "./ask.js";
import { candidates, home } from "./home.js";
import * as known from "./known.js";
import * as outbox from "./outbox.js";
import { parcel } from "./parcel.js";
import { returning } from "./returning.js";
import { answer, quiet } from "./signal.js";
import * as standing from "./standing.js";
import { waiting } from "./waiting.js";
import { reason, say, word } from "./words.js";

/** @type {{screen: HTMLElement, scan: (code: string) => boolean, press: (key: string) => boolean, focus: () => void, number?: string}} */
let shown;
let turn = 0;
/** @type {Promise<any>} */
let leaving = Promise.resolve();
const TONES = { done: "good", set_aside: "warn", check_contents: "warn", wait: "good", follow_claim: "warn" };

/** Show what the address names. */
export async function show({ focus = true } = {}) {
  const mine = ++turn;
  const [place, ...named] = location.hash.slice(1).split("/").map(decodeURIComponent);
  const made = await screenOf(place, named);
  // Somebody went on while this was being made.
  if (mine !== turn) return;
  shown = made;
  document.getElementById("screen").replaceChildren(shown.screen);
  if (focus) shown.focus();
}

const here = { operator: standing.operator, book, send, again: () => show(), open: go };

async function screenOf(place, named) {
  if (place === "parcel") return parcel(named.filter(Boolean), here);
  if (place === "waiting") return waiting(here);
  if (place !== "return") return home();
  try {
    const made = { ...(await returning(await known.find(named[0]), here)), number: named[0] };
    if (named[1]) made.unexpected(named[1]);
    return made;
  } catch (fault) {
    failed(fault);
    return home();
  }
}

/** Go to a return. @param {string} number */
function go(number) {
  const wanted = `#return/${encodeURIComponent(number)}`;
  if (location.hash === wanted) show();
  else location.hash = wanted;
}

function goHome() {
  if (location.hash === "" || location.hash === "#") return show();
  history.pushState(null, "", location.pathname + location.search);
  return show();
}

/** Take what was scanned or typed. @param {string} text */
export async function scanned(text) {
  const code = text.trim();
  // A parcel is put down before the next one is picked up.
  await leaving;
  if (!code || shown.scan(code)) return;
  quiet();
  const mine = ++turn;
  try {
    const told = await known.scan(code);
    if (mine === turn) follow(told);
  } catch (fault) {
    failed(fault);
  }
}

function follow(told) {
  const [only, ...others] = told.matches;
  if (only && !others.length && only.return_number && only.todo !== "send_on") {
    if (!only.open) answer("warn", say("over"), [only.return_number, word("todo", only.todo)]);
    return go(only.return_number);
  }
  const inside = shown.number ?? null;
  if (!only) answer("bad", say("unknown_code", { code: told.scanned }), [say(told.local ? "unknown_offline" : "unknown_help")]);
  else if (only.todo === "send_on") answer("bad", say("todo:send_on_to", { warehouse: only.warehouse }), [only.return_number]);
  else answer("warn", others.length ? say("several") : word("todo", only.todo), [told.scanned]);
  shown = candidates(told, inside);
  document.getElementById("screen").replaceChildren(shown.screen);
  return shown.focus();
}

/** A key that was pressed by itself. @param {string} key */
export const pressed = (key) => shown.press(key);

/** Keep a booking, send it, and say what became of it. */
async function book(kept) {
  const key = await (leaving = keepAndLeave(kept));
  const then = turn;
  const answers = await outbox.send();
  await standing.count();
  // Who has gone on to the next parcel is not taken back.
  if (then === turn) await show();
  tell(answers.get(key), kept.receipt);
}

async function keepAndLeave(kept) {
  turn += 1;
  const { key } = await outbox.keep(kept);
  await goHome();
  return key;
}

/** Send what waits, now. */
export async function send() {
  const then = turn;
  const answers = await outbox.send();
  await standing.count();
  if (then === turn) await refreshed(answers.size);
  const asking = [...answers.values()].filter((each) => each.outcome === "conflict" || each.outcome === "refused").length;
  if (asking) answer("warn", say("asking"), [say("asking_help")]);
  else if (answers.size) answer("good", say("sent", { number: answers.size }));
}

async function refreshed(changes) {
  if (location.hash === "#waiting") await show();
  else if (!location.hash && changes) await show({ focus: false });
}

function tell(told, receipt) {
  const what = receipt.return_number ?? say("unknown_parcel");
  if (!told) return answer("warn", say("kept"), [what, say("kept_help")]);
  if (told.outcome === "conflict") return answer("bad", say("conflict"), [what, say("asking_help")]);
  if (told.outcome === "refused") return answer("bad", say("nothing_booked"), [what, reason(told.code, told.message)]);
  const { todo, found, late } = told.result;
  const differs = found.map((each) => say("deviation", { number: each.quantity, sku: each.sku, what: word("deviation", each.code) }));
  const title = late ? say("late") : receipt.parcel ? say("registered") : receipt.finalise ? say("booked_finalised") : say("booked");
  const tone = late || differs.length ? "warn" : TONES[todo] ?? "good";
  const more = todo === "done" && !receipt.finalise;
  return answer(tone, title, [what, ...differs, more ? say("more_may_come") : word("todo", todo)]);
}

function failed(fault) {
  if (fault instanceof ask.Refused) return answer("bad", reason(fault.code, fault.message));
  if (fault instanceof ask.SignedOut) return answer("bad", say("signed_out"));
  if (fault instanceof ask.NoConnection) return answer("bad", say("not_here_offline"));
  throw fault;
}
