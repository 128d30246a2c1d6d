// What this device knows of returns and grading questions, so that it can go on without a connection. With one, the
// desk is asked, and its answer is kept.
import * as ask from "./ask.js";
import * as store from "./store.js";

// Ten calls; a warehouse that expects more scans the rest with a connection.
const MOST_PAGES = 10;
const MOST_MATCHES = 6;
const SCAN_FIELDS = ["return_number", "order_number"];

/** @type {Map<string, any>} */
const returns = new Map();
/** @type {Map<string, any>} */
const sets = new Map();

/** Take up what was kept before. */
export async function begin() {
  for (const each of await store.all("returns")) returns.set(each.return_number, each);
  keepSets((await store.get("notes", "grading"))?.value ?? []);
}

function keepSets(found) {
  for (const each of found) sets.set(each.account_id, each.set);
}

/** Ask for everything that is expected, and for the grading questions. */
export async function refresh() {
  const grading = await ask.get("/grading");
  keepSets(grading);
  await store.put("notes", { name: "grading", value: grading });
  const found = await pages();
  await store.replaceAll("returns", found);
  returns.clear();
  for (const each of found) returns.set(each.return_number, each);
}

async function pages() {
  const found = [];
  for (let cursor = "", page = 0; page < MOST_PAGES; page += 1) {
    const told = await ask.get("/expected", cursor ? { cursor } : undefined);
    found.push(...told.items);
    cursor = told.next_cursor;
    if (!cursor) break;
  }
  return found;
}

/** What is expected, oldest first. */
export const expected = () => [...returns.values()].filter((each) => each.open);

/** The questions of an account. @param {string} account */
export const questions = (account) => sets.get(account) ?? null;

/** A return as it stands now; without a connection, as this device last saw it. @param {string} number */
export async function find(number) {
  try {
    return await look(number);
  } catch (fault) {
    if (!(fault instanceof ask.NoConnection) && !(fault instanceof ask.SignedOut)) throw fault;
    const held = returns.get(number);
    if (!held) throw fault;
    return held;
  }
}

/** Ask for one return and keep it. @param {string} number */
export async function look(number) {
  const found = await ask.get(`/returns/${encodeURIComponent(number)}`);
  await keep(found);
  return found;
}

/** Keep a return as it is. @param {any} found */
export async function keep(found) {
  returns.set(found.return_number, found);
  await store.put("returns", found);
}

/** Note what was booked here and is not sent yet, so that the next look shows it. @param {any} receipt */
export async function note(receipt) {
  const held = returns.get(receipt.return_number);
  if (!held) return;
  const arrived = (line) => (receipt.items ?? []).filter((item) => item.sku === line.sku).reduce((sum, item) => sum + item.quantity, 0);
  const lines = held.lines.map((line) => ({ ...line, received: line.received + arrived(line) }));
  await keep({ ...held, lines, open: held.open && !receipt.finalise });
}

/** Say what a code may be. @param {string} code @returns {Promise<any>} */
export async function scan(code) {
  try {
    return await ask.get("/scan", { code });
  } catch (fault) {
    if (!(fault instanceof ask.NoConnection) && !(fault instanceof ask.SignedOut)) throw fault;
    return here(code);
  }
}

/** The same from what this device knows. @param {string} code */
export function here(code) {
  const wanted = plain(code);
  const found = [...returns.values()].map((each) => [each, by(each, wanted)]).filter(([, how]) => how);
  const matches = found.map(([each, how]) => ({ ...each, by: how, todo: each.open ? "receive" : "set_aside" }));
  matches.sort((one, other) => Number(other.open) - Number(one.open));
  const todo = matches.length ? matches[0].todo : "register";
  return { scanned: code, matches: matches.slice(0, MOST_MATCHES), more: matches.length > MOST_MATCHES, todo, local: true };
}

function by(found, wanted) {
  const field = SCAN_FIELDS.find((name) => found[name] && plain(found[name]) === wanted);
  if (field) return field === "order_number" ? "order" : field;
  return lineOf(found, wanted) ? "sku" : null;
}

/** The line of a return that a code names by product number or EAN. @param {any} found @param {string} code */
export function lineOf(found, code) {
  const wanted = plain(code);
  return found.lines.find((line) => plain(line.sku) === wanted || line.eans.some((ean) => digits(ean) === digits(wanted)));
}

// As it is meant: what a scanner says of the kind of code, spaces and dashes do not count; an address ends in its number.
function plain(text) {
  const last = text.includes("://") ? text.replace(/\/+$/, "").split(/[/=]/).at(-1) : text;
  return last.replace(/^\][A-Za-z]\d/, "").replace(/[\s-]/g, "").toUpperCase();
}

const digits = (text) => text.replace(/^0+(?=\d)/, "");
