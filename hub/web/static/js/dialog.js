// Dialogs of the page: opened by a link that would else lead to the same question as a page of its own.

export function listen() {
  document.addEventListener("click", (event) => {
    const opens = event.target.closest?.("[data-opens]");
    const dialog = opens && document.getElementById(opens.dataset.opens);
    if (dialog) {
      event.preventDefault();
      dialog.showModal();
      return;
    }
    const open = event.target.closest?.("dialog[open]");
    if (!open) return;
    const closes = event.target.closest("[data-closes]");
    if (closes) event.preventDefault();
    if (closes || outside(open, event)) open.close();
  });
}

function outside(dialog, event) {
  if (event.target !== dialog) return false;
  const box = dialog.getBoundingClientRect();
  const inside = event.clientX >= box.left && event.clientX <= box.right;
  return !(inside && event.clientY >= box.top && event.clientY <= box.bottom);
}
