// Toasts: told by the server in the page, or by a script with `hub:toast` ({text, tone}). They go by themselves, except
// bad news, and stay while somebody points at them or has the focus there.

const STAYS = 6_000;

export function listen() {
  document.addEventListener("hub:toast", (event) => add(event.detail));
  document.addEventListener("click", (event) => event.target.closest?.("[data-dismiss]")?.closest(".toast")?.remove());
}

export function begin(root) {
  for (const toast of root.querySelectorAll(".toasts > .toast")) expire(toast);
}

export function say(text, tone = "") {
  document.dispatchEvent(new CustomEvent("hub:toast", { detail: { text, tone } }));
}

function add({ text, tone }) {
  const place = document.querySelector("[data-toasts]");
  const toast = place?.querySelector("template").content.firstElementChild.cloneNode(true);
  if (!toast) return;
  toast.querySelector("[data-text]").textContent = text;
  if (tone) toast.classList.add(tone);
  place.append(toast);
  expire(toast);
}

function expire(toast) {
  if (toast.classList.contains("bad")) return;
  setTimeout(() => (toast.matches(":hover, :focus-within") ? expire(toast) : toast.remove()), STAYS);
}
