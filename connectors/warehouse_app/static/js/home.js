// The first screen: what is expected; and the screen to choose on, where a code may be several things.
import * as known from "./known.js";
import { make, part, say, word } from "./words.js";

const MOST_SHOWN = 60;
const DAY_MILLISECONDS = 86_400_000;

/** Show what is expected, oldest first. */
export function home() {
  const screen = make("home");
  const found = known.expected();
  part(screen, "list").replaceChildren(...found.slice(0, MOST_SHOWN).map(entry));
  part(screen, "none").hidden = found.length > 0;
  const more = found.length - MOST_SHOWN;
  part(screen, "more").textContent = more > 0 ? say("more", { number: more }) : "";
  return { screen, scan: () => false, press: () => false, focus: () => document.getElementById("scan").focus() };
}

function entry(found) {
  const sum = (name) => found.lines.reduce((total, line) => total + line[name], 0);
  const days = Math.floor((Date.now() - Date.parse(found.created_at)) / DAY_MILLISECONDS);
  const made = make("expected", {
    number: found.return_number, account: found.account, products: found.lines.map((line) => line.name || line.sku).join(", "),
    received: say("received", { part: sum("received"), whole: sum("expected") }), waiting: days < 1 ? say("today") : say(days > 1 ? "days" : "day", { number: days }),
  });
  made.querySelector("a").href = `#return/${encodeURIComponent(found.return_number)}`;
  return made;
}

/**
 * Show what a code may be, with what to do next.
 * @param {any} told the answer of a scan @param {string | null} inside the return that was open
 */
export function candidates(told, inside) {
  const screen = make("candidates", { code: told.scanned });
  part(screen, "list").replaceChildren(...told.matches.map(candidate));
  const unexpected = part(screen, "unexpected");
  unexpected.hidden = !inside;
  if (inside) unexpected.href = `#return/${encodeURIComponent(inside)}/${encodeURIComponent(told.scanned)}`;
  part(screen, "register").href = `#parcel/${encodeURIComponent(told.scanned)}`;
  const press = (key) => {
    const link = screen.querySelectorAll("[data-list] a")[Number(key) - 1];
    link?.click();
    return Boolean(link);
  };
  return { screen, scan: () => false, press, focus: () => screen.querySelector("a:not([hidden])").focus() };
}

function candidate(match, place) {
  const made = make("candidate", {
    number: match.return_number ?? say("unknown_parcel"), account: match.account, order: match.order_number ? say("order", { number: match.order_number }) : "",
    todo: match.todo === "send_on" ? say("todo:send_on_to", { warehouse: match.warehouse }) : word("todo", match.todo), digit: place < 9 ? `${place + 1}` : "",
  });
  const link = made.querySelector("a");
  if (match.return_number && match.todo !== "send_on") link.href = `#return/${encodeURIComponent(match.return_number)}`;
  else link.removeAttribute("href");
  return made;
}
