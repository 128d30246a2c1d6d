// Asks before what was typed and not booked is left behind. The page works the same without this file.
const form = document.querySelector("[data-receiving]");
if (form) {
  let typed = "typed" in form.dataset;
  form.addEventListener("input", () => { typed = true; });
  form.addEventListener("submit", () => { typed = false; });
  window.addEventListener("beforeunload", (event) => {
    if (typed) event.preventDefault();
  });
}
