// Keyboard shortcuts: `?` shows those of the page, and each leads where its entry in that list does.

export function listen() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "?") {
      event.preventDefault();
      document.getElementById("shortcuts")?.showModal();
      return;
    }
    const entry = [...document.querySelectorAll("a[data-key]")].find((each) => each.dataset.key === event.key);
    if (!entry || document.querySelector("dialog[open]:not(#shortcuts)")) return;
    event.preventDefault();
    document.getElementById("shortcuts").close();
    follow(entry);
  });
  // Chosen from the list by hand, a key of this page's own focuses what it names.
  document.addEventListener("click", (event) => {
    const entry = event.target.closest?.("a[data-key]");
    if (!entry || !local(entry)) return;
    event.preventDefault();
    document.getElementById("shortcuts").close();
    follow(entry);
  });
}

function typing(target) {
  return target.closest?.("input, textarea, select, [contenteditable]") !== null;
}

function local(entry) {
  return entry.getAttribute("href").startsWith("#");
}

function follow(entry) {
  if (local(entry)) document.querySelector(entry.getAttribute("href"))?.focus();
  else location.assign(entry.href);
}
