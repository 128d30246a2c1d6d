// Figures that count up to their new value when their region was brought up to date (data-figure, data-value).

const LASTS = 600;

const shown = new Map();

export function begin(root) {
  for (const figure of root.querySelectorAll("[data-figure]")) {
    const value = Number(figure.dataset.value);
    if (!Number.isFinite(value)) continue;
    const before = shown.get(figure.dataset.figure);
    shown.set(figure.dataset.figure, value);
    if (before !== undefined && before !== value && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
      count(figure, before, value);
    }
  }
}

function count(figure, from, to) {
  const last = figure.textContent;
  const words = wording(figure.dataset.currency, Number.isInteger(to) && !figure.dataset.currency);
  const start = performance.now();
  const step = (now) => {
    const share = Math.min((now - start) / LASTS, 1);
    if (!figure.isConnected) return;
    // The server's own words are the last ones.
    figure.textContent = share === 1 ? last : words.format(from + (to - from) * (1 - (1 - share) ** 3));
    if (share < 1) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

function wording(currency, whole) {
  const style = currency ? { style: "currency", currency } : { maximumFractionDigits: whole ? 0 : 2 };
  return new Intl.NumberFormat(document.documentElement.lang, style);
}
