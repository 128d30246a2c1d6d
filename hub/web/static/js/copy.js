// Copy a number, a key, a command. The button is only there where it works.
import { say } from "./toast.js";

export function listen() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      say(button.dataset.done, "good");
    } catch {
      // No right to the clipboard: mark the text, so that the keyboard can copy it.
      getSelection().selectAllChildren(button.previousElementSibling);
    }
  });
}

export function begin(root) {
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
}
