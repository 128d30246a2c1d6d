// Scanning by camera, where the browser can read codes itself (BarcodeDetector). Elsewhere its button is not shown.

const FORMATS = ["qr_code", "code_128", "code_39", "ean_13", "ean_8", "upc_a", "upc_e", "itf", "data_matrix", "pdf417"];
const PAUSE_MILLISECONDS = 150;

/** Say whether this device can. */
export async function able() {
  return "BarcodeDetector" in globalThis && Boolean(navigator.mediaDevices?.getUserMedia) && (await formats()).length > 0;
}

async function formats() {
  const known = await globalThis.BarcodeDetector.getSupportedFormats();
  return FORMATS.filter((each) => known.includes(each));
}

/**
 * Look until a code is seen or somebody stops it.
 * @param {HTMLVideoElement} video @param {AbortSignal} stopped
 * @returns {Promise<string | null>} the code; null once it was stopped
 */
export async function look(video, stopped) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  try {
    video.srcObject = stream;
    await video.play();
    return await seen(video, stopped);
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  }
}

async function seen(video, stopped) {
  const detector = new globalThis.BarcodeDetector({ formats: await formats() });
  while (!stopped.aborted) {
    const [code] = await detector.detect(video);
    if (code) return code.rawValue;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
  }
  return null;
}
