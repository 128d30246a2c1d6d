// How the app answers: in a word so large that it is read at arm's length, in a colour, and with a sound.
import { make } from "./words.js";

const NOTES = { good: [[880, 0, 0.09], [1320, 0.09, 0.12]], warn: [[660, 0, 0.12], [660, 0.18, 0.12]], bad: [[220, 0, 0.35]] };
const VOLUME = 0.12;

/** @type {AudioContext | null} */
let audio = null;

/**
 * Answer. @param {"good" | "warn" | "bad"} tone @param {string} title @param {string[]} [lines]
 */
export function answer(tone, title, lines = []) {
  const place = document.getElementById("answer");
  const made = make("answer", { title });
  made.classList.add(tone);
  const list = made.querySelector("[data-lines]");
  list.replaceChildren(...lines.filter(Boolean).map((line) => Object.assign(document.createElement("p"), { textContent: line })));
  made.querySelector(`[data-tone="${tone}"]`).hidden = false;
  place.replaceChildren(made);
  sound(tone);
  navigator.vibrate?.(tone === "good" ? 40 : [80, 60, 80]);
}

/** Take the answer away. */
export function quiet() {
  document.getElementById("answer").replaceChildren();
}

function sound(tone) {
  try {
    audio ??= new AudioContext();
    for (const [pitch, after, seconds] of NOTES[tone]) note(audio, pitch, audio.currentTime + after, seconds);
  } catch {
    // A device without sound has the colour and the word.
  }
}

function note(context, pitch, start, seconds) {
  const tone = context.createOscillator();
  const volume = context.createGain();
  tone.frequency.value = pitch;
  volume.gain.setValueAtTime(VOLUME, start);
  volume.gain.exponentialRampToValueAtTime(0.001, start + seconds);
  tone.connect(volume).connect(context.destination);
  tone.start(start);
  tone.stop(start + seconds);
}
