// A region is brought up to date from the server: fetch the page, swap the element of the same id, keep focus, scroll
// and what the address says. Links and forms (GET) inside a region, or with data-swaps, do it; so do events (live.js).

let latest = new Map();

export function listen() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const region = link && regionOf(link);
    if (!region || !plain(event, link)) return;
    event.preventDefault();
    go(region, link.href);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const region = form.method === "get" && regionOf(form);
    if (!region || event.submitter?.formAction?.length && event.submitter.hasAttribute("formaction")) return;
    event.preventDefault();
    const address = new URL(form.action);
    const typed = [...new FormData(form)].filter(([, value]) => value !== "");
    address.search = new URLSearchParams(typed).toString();
    go(region, address.href);
  });
  addEventListener("popstate", (event) => {
    if (event.state?.region) refresh(event.state.region, location.href);
  });
}

function regionOf(element) {
  const named = element.closest("[data-swaps]")?.dataset.swaps;
  const region = named ? document.getElementById(named) : element.closest("[data-region]");
  // Only where the link leads to another view of this same page.
  const address = new URL(element.href ?? element.action, location.href);
  return region && address.origin === location.origin && address.pathname === location.pathname ? region : null;
}

function plain(event, link) {
  const changed = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0;
  return !event.defaultPrevented && !changed && !link.target && !link.hasAttribute("download") && !link.hash;
}

async function go(region, address) {
  if (!history.state?.region) history.replaceState({ region: region.id }, "");
  if (await refresh(region.id, address)) history.pushState({ region: region.id }, "", address);
}

// Swap a region for what the server shows at an address now; says whether that was done. The newest wish wins.
export async function refresh(id, address = location.href, { quietly = false } = {}) {
  const region = document.getElementById(id);
  if (!region) return false;
  const wish = Symbol(id);
  latest.set(id, wish);
  if (!quietly) region.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, { headers: { accept: "text/html", "x-hub-region": id } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(id);
    if (latest.get(id) !== wish) return false;
    if (!answer.ok || !fresh || answer.redirected) throw new Error(`${answer.status}`);
    await swap(region, fresh, page, { quietly });
    return true;
  } catch {
    if (latest.get(id) !== wish) return false;
    region.removeAttribute("aria-busy");
    // What was asked for still has an address: the browser can go there itself and show what is the matter.
    if (!quietly) location.assign(address);
    return false;
  }
}

async function swap(region, fresh, page, { quietly }) {
  // Nobody loses what they type because something else happened.
  if (quietly && typing(region)) return;
  const focused = document.activeElement;
  const mark = region.contains(focused) ? markOf(focused) : null;
  const change = () => {
    for (const name of ["data-swaps", "data-live"]) follow(page, name, fresh.id);
    region.replaceWith(document.adoptNode(fresh));
    if (mark) fresh.querySelector(mark)?.focus({ preventScroll: true });
    if (page.title) document.title = page.title;
    fresh.dispatchEvent(new CustomEvent("hub:swapped", { bubbles: true }));
  };
  const still = quietly || matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (!document.startViewTransition || still || document.hidden) change();
  else await document.startViewTransition(change).updateCallbackDone;
}

function typing(region) {
  return region.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
}

// Tabs and filters that stand outside of their region show where it is now.
function follow(page, name, id) {
  if (name !== "data-swaps") return;
  const now = document.querySelectorAll(`nav[data-swaps="${CSS.escape(id)}"]`);
  const then = page.querySelectorAll(`nav[data-swaps="${CSS.escape(id)}"]`);
  now.forEach((element, place) => then[place] && element.replaceChildren(...then[place].cloneNode(true).children));
}

function markOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.name) return `[name="${CSS.escape(element.name)}"]`;
  const href = element.getAttribute("href");
  return href ? `[href="${CSS.escape(href)}"]` : null;
}
