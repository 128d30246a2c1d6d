// Begins the app in place of the forms that work without scripts, and brings scanner, camera and connection to the desk.
import { able, look } from "./camera.js";
import * as desk from "./desk.js";
import { goOn } from "./fields.js";
import * as known from "./known.js";
import * as outbox from "./outbox.js";
import { answer } from "./signal.js";
import * as standing from "./standing.js";
import * as wedge from "./wedge.js";
import { part, say } from "./words.js";

// Not every browser says when a connection is back.
const LOOK_AGAIN_MILLISECONDS = 4_000;
const REFRESH_MILLISECONDS = 120_000;
const root = document.getElementById("desk");

async function begin() {
  register();
  const online = await standing.begin();
  await known.begin();
  if (online) await known.refresh();
  root.hidden = false;
  document.getElementById("plain").remove();
  outbox.listen(standing.reached);
  wedge.listen({ scan: desk.scanned, press: desk.pressed });
  document.addEventListener("desk:taken", (event) => goOn(event.target));
  part(root, "scan").addEventListener("submit", typed);
  addEventListener("hashchange", () => desk.show());
  addEventListener("popstate", () => desk.show());
  addEventListener("online", again);
  addEventListener("offline", () => standing.reached(new Error()));
  setInterval(sendWaiting, LOOK_AGAIN_MILLISECONDS);
  setInterval(() => refresh().catch(() => undefined), REFRESH_MILLISECONDS);
  if (await able()) offerCamera();
  await desk.show();
  root.dataset.ready = "";
  if (online) await sendWaiting();
}

function register() {
  const { worker, home } = root.dataset;
  navigator.serviceWorker?.register(worker, { scope: home }).catch(() => undefined);
}

async function again() {
  await sendWaiting();
  await refresh().catch(standing.reached);
}

async function sendWaiting() {
  if ((await outbox.counts()).waiting) await desk.send();
}

async function refresh() {
  await known.refresh();
  standing.reached(null);
}

function typed(event) {
  event.preventDefault();
  const field = document.getElementById("scan");
  const text = field.value;
  field.value = "";
  return desk.scanned(text);
}

function offerCamera() {
  const button = part(root, "camera");
  const view = document.getElementById("camera");
  let stop = null;
  button.hidden = false;
  part(view, "stop").addEventListener("click", () => stop?.abort());
  button.addEventListener("click", async () => {
    stop = new AbortController();
    view.hidden = false;
    try {
      const code = await look(view.querySelector("video"), stop.signal);
      if (code) await desk.scanned(code);
    } catch {
      answer("bad", say("no_camera"));
    } finally {
      view.hidden = true;
    }
  });
}

// Where it cannot begin, the forms stay.
begin().catch((fault) => console.error(fault));
