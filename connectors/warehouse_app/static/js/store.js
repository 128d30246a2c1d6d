// What the app keeps on this device, in IndexedDB: one database for each warehouse. It outlives reloads, closed tabs and
// signing out; whatever was not sent yet stands here, and nowhere else.

/** What is kept, by the field that names an entry. */
const PLACES = { receipts: "key", photos: "id", returns: "return_number", drafts: "return_number", notes: "name" };
const VERSION = 1;

/** @type {IDBDatabase} */
let database;

/** Open the database of a warehouse. @param {string} warehouse its id */
export async function open(warehouse) {
  const asked = indexedDB.open(`warehouse-${warehouse}`, VERSION);
  asked.onupgradeneeded = () => {
    for (const [name, keyPath] of Object.entries(PLACES)) asked.result.createObjectStore(name, { keyPath });
  };
  database = await answered(asked);
  // A browser that runs out of room is asked to take it from elsewhere.
  await navigator.storage?.persist?.();
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function answered(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Do something in one transaction; it is on the disk when the promise is kept. */
function within(places, mode, work) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(places, mode, { durability: "strict" });
    const result = work((place) => transaction.objectStore(place));
    transaction.oncomplete = () => resolve(result?.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

export const get = (place, key) => within([place], "readonly", (at) => at(place).get(key));
export const all = (place) => within([place], "readonly", (at) => at(place).getAll());
export const count = (place) => within([place], "readonly", (at) => at(place).count());
export const put = (place, value) => within([place], "readwrite", (at) => void at(place).put(value));
export const remove = (place, key) => within([place], "readwrite", (at) => void at(place).delete(key));

/** Replace everything that is kept in a place. */
export function replaceAll(place, values) {
  return within([place], "readwrite", (at) => {
    at(place).clear();
    for (const value of values) at(place).put(value);
  });
}

/** Put and remove in several places at once: all of it happens, or nothing. @param {{put?: object, remove?: object}} change */
export function change({ put: added = {}, remove: gone = {} }) {
  const places = [...new Set([...Object.keys(added), ...Object.keys(gone)])];
  return within(places, "readwrite", (at) => {
    for (const [place, values] of Object.entries(added)) for (const value of values) at(place).put(value);
    for (const [place, keys] of Object.entries(gone)) for (const key of keys) at(place).delete(key);
  });
}
