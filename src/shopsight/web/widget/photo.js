/** Photos before they are sent: upright, at most 1024 pixels, and without what the camera noted about them. */

const LONGEST_SIDE = 1024;
const QUALITY = 0.88;

/** Formats that servers read and most browsers do not. */
const UNSEEN = /\.(heic|heif|avif|tiff?)$/i;

/** What is wrong with a photo or a camera, as the key of its text. */
export class Unusable extends Error {}

/**
 * A photo to send, and a canvas to show it on; no canvas if the browser cannot read it.
 * @param {Blob} file
 * @returns {Promise<{blob: Blob, canvas: HTMLCanvasElement|null}>}
 * @throws {Unusable}
 */
export async function prepare(file) {
  const unseen = /^image\/(hei[cf]|avif|tiff)/.test(file.type) || UNSEEN.test(file.name ?? "");
  if (file.type && !file.type.startsWith("image/") && !unseen) throw new Unusable("wrong");
  let bitmap;
  try {
    // Upright, as the camera meant it: the note that says how to turn it is lost with all others.
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    if (unseen) return { blob: file, canvas: null };
    throw new Unusable(file.type.startsWith("image/") && file.type !== "image/svg+xml" ? "damaged" : "wrong");
  }
  const canvas = drawn(bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  return encoded(canvas);
}

/** A frame of a video as a photo. */
export function snapshot(video) {
  return encoded(drawn(video, video.videoWidth, video.videoHeight));
}

function drawn(source, width, height) {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#fff"; // JPEG knows no transparency
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

async function encoded(canvas) {
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
  if (!blob) throw new Unusable("damaged");
  return { blob, canvas };
}

/** The picture in what was dropped or pasted, if there is one. */
export function fileIn(transfer) {
  const files = [...(transfer?.files ?? [])];
  return files.find((file) => file.type.startsWith("image/")) ?? files[0] ?? null;
}
