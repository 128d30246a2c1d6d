// What was booked and is not at the hub yet. A booking stands here first and is sent from here, with a connection as
// without one, so there is one road; its own key lets the hub book it once, however often it is sent.
import * as ask from "./ask.js";
import * as known from "./known.js";
import * as store from "./store.js";

/**
 * A booking as it is kept: `receipt` is the hub's message, `photos` are ids of photos on this device with the item they
 * belong to, none for the parcel itself.
 * @typedef {{key: string, at: number, state: "waiting" | "conflict" | "refused", receipt: any,
 *   photos: {id: string, item: number | null}[], draft: any, code?: string, message?: string, now?: any}} Kept
 */

const MOST_AT_ONCE = 40;
const LOCK = "warehouse-app-sending";

/** @type {(fault: Error | null) => void} */
let told = () => undefined;

/** Be told of every attempt to send: with null if the hub was reached. @param {typeof told} hear */
export const listen = (hear) => {
  told = hear;
};

/** Keep a booking. What it was noted in before goes in the same moment. */
export async function keep({ receipt, photos = [], draft = null }) {
  const key = `app:${crypto.randomUUID()}`;
  const kept = { key, at: Date.now(), state: "waiting", receipt: { ...receipt, key }, photos, draft };
  const gone = receipt.return_number ? { drafts: [receipt.return_number] } : {};
  await store.change({ put: { receipts: [kept] }, remove: gone });
  await known.note(receipt);
  return kept;
}

/** All that is kept, in the order in which it was made. @returns {Promise<Kept[]>} */
export async function all() {
  return (await store.all("receipts")).sort((one, other) => one.at - other.at);
}

/** How many wait for a connection, and how many for a decision. */
export async function counts() {
  const kept = await store.all("receipts");
  const waiting = kept.filter((each) => each.state === "waiting").length;
  return { waiting, asking: kept.length - waiting };
}

/** Send what waits. @returns {Promise<Map<string, any>>} the hub's answers, by key; empty where it was not reached */
export async function send() {
  const answers = new Map();
  // Another tab may be sending; one after the other is enough.
  await navigator.locks.request(LOCK, async () => {
    try {
      for (let batch = await next(); batch.length; batch = await next()) await sendBatch(batch, answers);
      told(null);
    } catch (fault) {
      told(fault);
    }
  });
  return answers;
}

const next = async () => (await all()).filter((each) => each.state === "waiting").slice(0, MOST_AT_ONCE);

async function sendBatch(batch, answers) {
  const ready = [];
  for (const kept of batch) if (await withPhotos(kept)) ready.push(kept);
  if (!ready.length) return;
  const { answers: found } = await ask.post("/receipts", { receipts: ready.map((kept) => kept.receipt) });
  for (const [place, answer] of found.entries()) {
    answers.set(ready[place].key, answer);
    await settle(ready[place], answer);
  }
  for (const number of new Set(ready.map((kept) => kept.receipt.return_number))) if (number) await refreshed(number);
}

/** Send a booking's photos before it, once each; a photo that is refused is a matter of the whole booking. */
async function withPhotos(kept) {
  try {
    for (const photo of kept.photos) await named(kept, photo);
    return true;
  } catch (fault) {
    if (!(fault instanceof ask.Refused)) throw fault;
    await store.put("receipts", { ...kept, state: "refused", code: fault.code, message: fault.message });
    return false;
  }
}

async function named(kept, { id, item }) {
  const photo = await store.get("photos", id);
  if (!photo) return;
  if (!photo.remote) {
    const number = kept.receipt.return_number;
    const subject = item === null ? "parcel" : "product";
    const query = { key: id, subject, ...(number ? { return_number: number } : {}) };
    photo.remote = (await ask.upload("/photos", photo.blob, query)).id;
    await store.put("photos", photo);
  }
  const owner = item === null ? kept.receipt : kept.receipt.items[item];
  owner.photos = [...new Set([...(owner.photos ?? []), photo.remote])];
  await store.put("receipts", kept);
}

async function settle(kept, answer) {
  if (answer.outcome === "done" || answer.outcome === "repeated") return drop(kept);
  const { outcome, code, message, now } = answer;
  return store.put("receipts", { ...kept, state: outcome === "conflict" ? "conflict" : "refused", code, message, now });
}

async function refreshed(number) {
  try {
    await known.look(number);
  } catch (fault) {
    if (!(fault instanceof ask.Refused)) throw fault;
  }
}

/** Let a booking go, with its photos. @param {Kept} kept */
export function drop(kept) {
  return store.change({ remove: { receipts: [kept.key], photos: kept.photos.map((each) => each.id) } });
}

/** Book what was noted in addition to what is there now. @param {Kept} kept */
export async function addTo(kept) {
  // A key that booked something else is another delivery's.
  const key = kept.code === "key_reused" ? `app:${crypto.randomUUID()}` : kept.key;
  const receipt = { ...kept.receipt, key, ...(kept.now ? { version: kept.now.version } : {}) };
  const { code, message, now, ...rest } = kept;
  await store.change({ put: { receipts: [{ ...rest, key, receipt, state: "waiting" }] }, remove: key === kept.key ? {} : { receipts: [kept.key] } });
}

/** Take a booking back into its form, to be corrected. @param {Kept} kept */
export function reopen(kept) {
  return store.change({ put: { drafts: [kept.draft] }, remove: { receipts: [kept.key] } });
}
