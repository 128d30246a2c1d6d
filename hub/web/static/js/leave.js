// Asks before what was typed and not sent is left behind (forms with data-leave).

let typed = new Set();

export function listen() {
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-leave]");
    if (form) typed.add(form);
  });
  document.addEventListener("submit", (event) => typed.delete(event.target));
  addEventListener("beforeunload", (event) => {
    if ([...typed].some((form) => form.isConnected)) event.preventDefault();
  });
}

export function begin(root) {
  for (const form of root.querySelectorAll("form[data-typed]")) typed.add(form);
}
