// What is noted of a return and not booked yet. It is kept with every step, so that a reload loses nothing.
import { filled } from "./fields.js";
import * as store from "./store.js";

/**
 * @typedef {{return_number: string, version: string, items: any[]}} Draft
 */

/** The draft of a return, as it was left, or a fresh one. @param {any} found @returns {Promise<Draft>} */
export async function of(found) {
  const held = await store.get("drafts", found.return_number);
  // It is booked against what is shown now.
  return { return_number: found.return_number, items: held?.items ?? [], version: found.version };
}

/** Keep it; an empty one is none. @param {Draft} draft */
export function keep(draft) {
  return draft.items.length ? store.put("drafts", draft) : store.remove("drafts", draft.return_number);
}

/** What is missing of each product once a draft is booked. @param {any} found @param {Draft} draft */
export function missing(found, draft) {
  const here = (sku) => draft.items.filter((item) => item.sku === sku).reduce((sum, item) => sum + item.quantity, 0);
  const products = new Map();
  for (const line of found.lines) {
    const held = products.get(line.sku) ?? { sku: line.sku, name: line.name || line.sku, expected: 0, received: here(line.sku) };
    products.set(line.sku, { ...held, expected: held.expected + line.expected, received: held.received + line.received });
  }
  return [...products.values()].filter((each) => each.received < each.expected);
}

/**
 * The message of a draft, and which photo belongs to which of its items.
 * @param {Draft} draft @param {{by: string, finalise: boolean}} how
 */
export function receipt(draft, { by, finalise }) {
  const items = draft.items.map(({ name, photos, shown, ...item }) => filled(item));
  const photos = draft.items.flatMap((item, place) => item.photos.map((id) => ({ id, item: place })));
  const head = { return_number: draft.return_number, version: draft.version || undefined, finalise };
  return { receipt: filled({ ...head, items, by, observed_at: new Date().toISOString() }), photos, draft };
}

/** The message of a parcel that stays closed. @param {any} found @param {string} by */
export function closed(found, by) {
  const head = { return_number: found.return_number, version: found.version || undefined, level: "parcel" };
  return { receipt: filled({ ...head, finalise: found.settles_unchecked, by, observed_at: new Date().toISOString() }) };
}
