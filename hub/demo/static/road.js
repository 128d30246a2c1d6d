// The live page: returns travel from stage to stage when the region is drawn anew, instead of jumping.

const LASTS = 700;
const EASE = "cubic-bezier(0.2, 0, 0, 1)";

let places = measured();

document.addEventListener("hub:swapped", (event) => {
  const before = places;
  places = measured();
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const dot of event.target.querySelectorAll("[data-return]")) {
    const old = before.get(dot.dataset.return);
    const now = places.get(dot.dataset.return);
    if (!old) dot.animate([{ opacity: 0, scale: 0 }, { opacity: 1, scale: 1 }], { duration: LASTS, easing: EASE });
    else if (old.x !== now.x || old.y !== now.y) travel(dot, old, now);
  }
});

function travel(dot, old, now) {
  const from = `translate(${old.x - now.x}px, ${old.y - now.y}px)`;
  dot.animate([{ transform: from }, { transform: "none" }], { duration: LASTS, easing: EASE });
}

// Reckoned from the page's begin, so that scrolling is no journey.
function measured() {
  const found = new Map();
  for (const dot of document.querySelectorAll("[data-return]")) {
    const box = dot.getBoundingClientRect();
    found.set(dot.dataset.return, { x: box.x + scrollX, y: box.y + scrollY });
  }
  return found;
}
