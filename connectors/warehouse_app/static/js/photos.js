// Photos: looked at and made smaller where they are taken, so that they can wait here and are quickly sent.
import * as store from "./store.js";

const LONGEST_SIDE = 2000;
const QUALITY = 0.85;

/** A file cannot be kept; `code` says why. */
export class NoPhoto extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/**
 * Keep a photo on this device. @param {File} file @param {number} most bytes that the hub takes
 * @returns {Promise<string>} its id
 */
export async function keep(file, most) {
  if (file.size > most) throw new NoPhoto("photo_too_large");
  const photo = { id: crypto.randomUUID(), blob: await smaller(file), remote: null };
  await store.put("photos", photo);
  return photo.id;
}

async function smaller(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => {
    throw new NoPhoto("photo_unreadable");
  });
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  const canvas = new OffscreenCanvas(Math.max(1, picture.width * scale), Math.max(1, picture.height * scale));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
}

/** Show a photo. @param {string} id @returns {Promise<HTMLImageElement>} */
export async function shown(id) {
  const image = new Image();
  const photo = await store.get("photos", id);
  if (!photo) return image;
  image.src = URL.createObjectURL(photo.blob);
  image.onload = () => URL.revokeObjectURL(image.src);
  return image;
}

/** Forget photos that nothing names any more. @param {string[]} ids */
export async function forget(ids) {
  if (ids.length) await store.change({ remove: { photos: ids } });
}
