// Files dropped on their field, and a look at what was chosen.

export function begin(root) {
  for (const drop of root.querySelectorAll("[data-drop]")) prepare(drop);
}

function prepare(drop) {
  const input = drop.querySelector("input");
  input.addEventListener("change", () => show(drop, input.files));
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", (event) => {
    if (!drop.contains(event.relatedTarget)) drop.classList.remove("over");
  });
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

function show(drop, files) {
  const place = drop.querySelector("[data-shown]");
  place.replaceChildren(...[...files].map(figure));
}

function figure(file) {
  const made = document.createElement("figure");
  if (file.type.startsWith("image/")) {
    const picture = document.createElement("img");
    picture.alt = "";
    picture.src = URL.createObjectURL(file);
    picture.onload = () => URL.revokeObjectURL(picture.src);
    made.append(picture);
  }
  const name = document.createElement("span");
  name.textContent = `${file.name} · ${size(file.size)}`;
  made.append(name);
  return made;
}

function size(bytes) {
  const language = document.documentElement.lang;
  const [amount, unit] = bytes < 1e6 ? [bytes / 1e3, "kilobyte"] : [bytes / 1e6, "megabyte"];
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: 1 }).format(amount);
}
