// A scanner that types like a keyboard, wherever the focus is: keys that come faster than anybody types and end with
// Enter are a scan, and leave no trace in the field they fell into. A digit that comes by itself is a choice.

// On average, from key to key; nobody types like that. A device that is busy may hold single keys back for longer.
const FAST_MILLISECONDS = 45;
const TOGETHER_MILLISECONDS = 120;
const ALONE_MILLISECONDS = 60;
const SHORTEST = 3;
const SCAN_FIELD = "scan";

/**
 * Listen to the keyboard. Fields with data-takes keep what is scanned into them.
 * @param {{scan: (text: string) => void, press: (key: string) => boolean}} hear `press` says whether it took the key
 */
export function listen({ scan, press }) {
  let typed = "";
  let first = 0;
  let last = -Infinity;
  /** @type {{field: any, value: string} | null} */
  let before = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let alone;
  const scanned = () => typed.length >= SHORTEST && (last - first) / (typed.length - 1) < FAST_MILLISECONDS;
  // Nothing came after them: these keys were pressed by hand.
  const choose = () => {
    const keys = scanned() ? [] : [...typed];
    typed = "";
    for (const key of keys) press(key);
  };
  const enter = (event) => {
    const [text, held, whole] = [typed, before, scanned()];
    typed = "";
    before = null;
    if (!whole) return;
    if (keeps(event.target)) return takenBy(event);
    event.preventDefault();
    event.stopPropagation();
    // The focus may have come to the scan field in the middle of the code.
    if (event.target.id === SCAN_FIELD) event.target.value = "";
    else giveBack(held);
    scan(text);
  };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    clearTimeout(alone);
    const together = event.timeStamp - last < TOGETHER_MILLISECONDS;
    if (!together) typed = "";
    if (event.key === "Enter") return enter(event);
    if (event.key.length !== 1) return;
    if (!typed) {
      first = event.timeStamp;
      before = heldBy(event.target);
    }
    typed += event.key;
    last = event.timeStamp;
    if (writable(event.target)) return;
    // A space would press the button that has the focus.
    if (event.key === " " && typed.length > 1) event.preventDefault();
    alone = setTimeout(choose, ALONE_MILLISECONDS);
  }, { capture: true });
}

const keeps = (target) => target instanceof Element && target.closest("[data-takes]");
const writable = (target) => target instanceof Element && target.matches("textarea, select, input:not([type=radio], [type=checkbox])");

// What was scanned into a field of its own is complete: go on to the next field, and send nothing.
function takenBy(event) {
  event.preventDefault();
  event.target.dispatchEvent(new CustomEvent("desk:taken", { bubbles: true }));
}

function heldBy(target) {
  return writable(target) ? { field: target, value: target.value } : null;
}

function giveBack(held) {
  if (!held) return;
  held.field.value = held.value;
  held.field.dispatchEvent(new Event("input", { bubbles: true }));
}
