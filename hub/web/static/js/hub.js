// Brings the page's parts to life. Pages work without any of this where they can; each file has one subject.
import * as copy from "./copy.js";
import * as dialog from "./dialog.js";
import * as drop from "./drop.js";
import * as figures from "./figures.js";
import * as keys from "./keys.js";
import * as leave from "./leave.js";
import * as live from "./live.js";
import * as menu from "./menu.js";
import * as region from "./region.js";
import * as times from "./times.js";
import * as toast from "./toast.js";

const parts = [copy, dialog, drop, figures, keys, leave, live, menu, region, times, toast];

// `begin` is called with the whole page once, and with each region that was swapped in later.
function begin(root) {
  for (const part of parts) part.begin?.(root);
}

for (const part of parts) part.listen?.();
begin(document);
document.addEventListener("hub:swapped", (event) => begin(event.target));
