// Menus open by themselves; here they close: by Esc, by a look elsewhere, by another menu.

export function listen() {
  document.addEventListener("click", (event) => closeAll(event.target.closest?.("details[data-menu]")));
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest?.("details[data-menu][open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  document.addEventListener("focusin", (event) => closeAll(event.target.closest?.("details[data-menu]")));
}

function closeAll(but) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) if (menu !== but) menu.open = false;
}
