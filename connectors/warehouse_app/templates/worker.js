// The service worker: it keeps the app's page and files, so that both open without a connection. What is asked of the
// desk is never kept here; the app itself keeps what it needs (store.js).
const HOME = {{ url_for("warehouse_app:list") | tojson }};
const FILES = {{ served.values() | list | tojson }};
// Another set of files is another cache: those of a version that is gone go, too.
const CACHE = "warehouse-app-" + {{ static("warehouse_app/warehouse_app.css") | tojson }} + {{ static("hub/mark.svg") | tojson }};
const PATIENCE_MILLISECONDS = 4000;

self.addEventListener("install", (event) => {
  event.waitUntil(keepAll().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const path = new URL(request.url).pathname;
  if (request.method !== "GET" || new URL(request.url).origin !== self.location.origin) return;
  if (request.mode === "navigate" && (path === HOME || path.startsWith(`${HOME}/`))) event.respondWith(page(request));
  else if (path.startsWith("/static/")) event.respondWith(file(request));
});

async function keepAll() {
  const cache = await caches.open(CACHE);
  await cache.addAll(FILES);
  const answer = await fetch(HOME, { redirect: "manual" });
  if (answer.ok) await cache.put(HOME, answer);
}

async function forgetOthers() {
  const others = (await caches.keys()).filter((name) => name.startsWith("warehouse-app-") && name !== CACHE);
  await Promise.all(others.map((name) => caches.delete(name)));
}

// The network first, so that the language and the version are those of now; what is kept only where it does not answer.
async function page(request) {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MILLISECONDS) });
    const own = answer.ok && new URL(request.url).pathname.replace(/\/$/, "") === HOME;
    if (own && !answer.redirected) await cache.put(HOME, answer.clone());
    return answer;
  } catch (fault) {
    const kept = await cache.match(HOME);
    if (kept) return kept;
    throw fault;
  }
}

// The address of a file changes with its content, so that what is kept is never stale.
async function file(request) {
  const kept = await caches.match(request);
  return kept ?? fetch(request);
}
