// Events of the server. One stream for the page, only while somebody looks at it; it goes on where it was. What arrives
// is told as `hub:event`, and regions that are live are brought up to date.
import { refresh } from "./region.js";

const CALM = 700;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

let stream = null;
let address = null;
let last = null;
let pause = FIRST_PAUSE;
let timer = null;

export function listen() {
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
}

export function begin(root) {
  const region = root.matches?.("[data-live]") ? root : root.querySelector("[data-live]");
  if (!region || address) return;
  address = new URL(region.dataset.live, location.href);
  last = address.searchParams.get("after");
  open();
}

function open() {
  if (!address || stream || document.hidden) return;
  clearTimeout(timer);
  if (last) address.searchParams.set("after", last);
  stream = new EventSource(address);
  stream.onopen = () => {
    pause = FIRST_PAUSE;
    // Without a cursor nobody knows what happened since the page was made.
    if (!last) soon();
  };
  stream.onmessage = (event) => {
    if (event.lastEventId) last = event.lastEventId;
    const told = JSON.parse(event.data);
    // Without a type it only says how far the feed was read.
    if (!told.type) return;
    document.dispatchEvent(new CustomEvent("hub:event", { detail: told }));
    soon();
  };
  // The browser's own tries would ask with the first cursor; ours go on from the last one, and give a server air.
  stream.onerror = () => {
    close();
    timer = setTimeout(open, pause * (0.75 + Math.random() / 2));
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  };
}

function close() {
  clearTimeout(timer);
  stream?.close();
  stream = null;
}

let waiting = null;

function soon() {
  waiting ??= setTimeout(() => {
    waiting = null;
    for (const region of document.querySelectorAll("[data-live]")) refresh(region.id, location.href, { quietly: true });
  }, CALM);
}
