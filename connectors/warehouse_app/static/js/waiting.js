// The screen of what is not at the hub yet: what waits for a connection, and what waits for a decision of the operator.
import * as outbox from "./outbox.js";
import { make, part, reason, say } from "./words.js";

const CODES = { conflict: "conflict", refused: "refused", waiting: "waits" };

/** Show what is kept. @param {{send: () => Promise<void>, again: () => void, open: (number: string) => void}} desk */
export async function waiting(desk) {
  const screen = make("waiting");
  const kept = await outbox.all();
  part(screen, "list").replaceChildren(...kept.map((each) => entry(each, desk)));
  part(screen, "none").hidden = kept.length > 0;
  part(screen, "send").hidden = !kept.some((each) => each.state === "waiting");
  part(screen, "send").addEventListener("click", () => desk.send());
  const first = () => screen.querySelector("[data-deed]:not([hidden])") ?? screen;
  return { screen, scan: () => false, press: () => false, focus: () => first().focus() };
}

function entry(kept, desk) {
  const { receipt, state } = kept;
  const conflict = state === "conflict";
  const made = make("kept", {
    title: receipt.return_number ?? say("unknown_parcel"), state: say(CODES[state]),
    mine: mine(kept), why: state === "waiting" ? "" : reason(kept.code, kept.message),
    now: conflict && kept.now ? kept.now.lines.map((line) => say("now_line", { name: line.name || line.sku, part: line.received, whole: line.expected })).join(" · ") : "",
  });
  made.classList.add(state);
  part(made, "now-part").hidden = !conflict;
  offer(made, "add", state !== "waiting", () => outbox.addTo(kept).then(desk.send), say(conflict ? "keep_mine" : "try_again"));
  offer(made, "correct", state === "refused" && Boolean(kept.draft), () => outbox.reopen(kept).then(() => desk.open(receipt.return_number)));
  offer(made, "drop", state !== "waiting", () => outbox.drop(kept).then(desk.again));
  return made;
}

function mine({ receipt }) {
  if (receipt.parcel) return receipt.parcel.numbers.join(" · ") || say("photos", { number: "" });
  if (receipt.level === "parcel") return say("closed_parcel");
  const items = (receipt.items ?? []).map((item) => `${item.quantity} × ${item.sku}`);
  return [...items, receipt.finalise ? say("finalised") : ""].filter(Boolean).join(" · ");
}

function offer(root, name, there, deed, text) {
  const button = root.querySelector(`[data-deed="${name}"]`);
  button.hidden = !there;
  if (text) button.textContent = text;
  button.addEventListener("click", deed);
}
