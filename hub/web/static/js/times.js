// Moments: how long ago something was is kept up to date, and the server learns the zone of its reader.

const UNITS = [["year", 31_536_000], ["month", 2_592_000], ["week", 604_800], ["day", 86_400], ["hour", 3_600], ["minute", 60]];
const YEAR_SECONDS = 31_536_000;

export function listen() {
  learn();
  setInterval(() => begin(document), 30_000);
}

export function begin(root) {
  for (const time of root.querySelectorAll("time[data-ago]")) {
    const text = ago(new Date(time.dateTime));
    if (text) time.textContent = text;
  }
}

function ago(moment) {
  const seconds = (moment - Date.now()) / 1000;
  const found = UNITS.find(([, span]) => Math.abs(seconds) >= span);
  // Below a minute the server's own words stay.
  if (!found) return null;
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang);
  return words.format(Math.round(seconds / found[1]), found[0]);
}

// Until somebody chose a zone, pages use the device's. The first page was written before the server knew it.
function learn() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || /(^|; )hub_zone=/.test(document.cookie)) return;
  document.cookie = `hub_zone=${zone}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
  if (zone === document.documentElement.dataset.zone) return;
  const words = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  for (const time of document.querySelectorAll("time[data-moment]")) {
    time.textContent = words.format(new Date(time.dateTime));
  }
}
