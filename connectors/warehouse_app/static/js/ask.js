// Calls to the desk. What may go wrong has three names: no connection, nobody signed in, and a refusal with its reason.

/** The desk cannot be reached now; what was to be sent is sent later. */
export class NoConnection extends Error {}
/** Whoever was signed in is not any more. */
export class SignedOut extends Error {}
/** The desk said no, and why. */
export class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const PATIENCE_MILLISECONDS = 8000;
const UPLOAD_MILLISECONDS = 60_000;
const SIGNED_OUT = new Set([401, 0]);
// How the hub names the refusal of an old token.
const FORM_REFUSED = "http_403";
const base = () => document.getElementById("desk").dataset.calls;

let token = "";

/** Ask who stands at the desk; the answer has what later calls carry. */
export async function session() {
  const found = await get("/session");
  token = found.token;
  return found;
}

/** @param {string} path @param {Record<string, string>} [query] */
export function get(path, query) {
  return call(path, { query });
}

/** @param {string} path @param {unknown} body */
export function post(path, body) {
  const content = JSON.stringify(body);
  return changing(path, { method: "POST", body: content, headers: { "content-type": "application/json" } });
}

/** Send a photo. @param {Blob} blob @param {Record<string, string>} query */
export function upload(path, blob, query) {
  const headers = { "content-type": blob.type || "application/octet-stream" };
  return changing(path, { method: "POST", body: blob, headers, query, patience: UPLOAD_MILLISECONDS });
}

/** What changes something carries the token; where it has none, or an old one, it is asked for first. */
async function changing(path, wish) {
  if (!token) await session();
  try {
    return await call(path, { ...wish, headers: { ...wish.headers, "x-csrftoken": token } });
  } catch (fault) {
    if (!(fault instanceof Refused) || fault.code !== FORM_REFUSED) throw fault;
    await session();
    return call(path, { ...wish, headers: { ...wish.headers, "x-csrftoken": token } });
  }
}

async function call(path, { query, patience = PATIENCE_MILLISECONDS, headers = {}, ...wish }) {
  const address = `${base()}${path}${query ? `?${new URLSearchParams(query)}` : ""}`;
  const answer = await reach(address, {
    ...wish, headers: { accept: "application/json", ...headers }, redirect: "manual", signal: AbortSignal.timeout(patience),
  });
  // A page to sign in at is where a stranger is led to.
  if (answer.type === "opaqueredirect" || SIGNED_OUT.has(answer.status)) throw new SignedOut();
  if (answer.status >= 500) throw new NoConnection(`${answer.status}`);
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(codeOf(answer.status, told), told.detail ?? "");
  return told;
}

async function reach(address, wish) {
  try {
    return await fetch(address, wish);
  } catch {
    throw new NoConnection();
  }
}

function codeOf(status, told) {
  if (status === 413) return "photo_too_large";
  return told.title ?? `${status}`;
}
