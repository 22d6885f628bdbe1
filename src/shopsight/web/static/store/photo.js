/** Photos before they are sent: large ones are made smaller, in the browser. */

const LONGEST_SIDE = 1024;
const QUALITY = 0.9;
const SMALL_ENOUGH = 1_500_000;
const SENT_AS_IT_IS = new Set(["image/jpeg", "image/png", "image/webp"]);

/**
 * The bytes to send for a photo.
 *
 * What the browser cannot read (HEIC in most) is sent as it is: the server reads more formats.
 * @param {Blob} file
 * @returns {Promise<Blob>}
 */
export async function prepare(file) {
  let bitmap;
  try {
    // Upright, as the camera meant it: the drawing below loses the note that says how to turn it.
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return file;
  }
  try {
    const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
    if (scale === 1 && file.size <= SMALL_ENOUGH && SENT_AS_IT_IS.has(file.type)) return file;
    return (await drawn(bitmap, scale)) ?? file;
  } finally {
    bitmap.close();
  }
}

function drawn(bitmap, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  if (context === null) return null;
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#fff"; // JPEG knows no transparency
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
}

/**
 * The photo in what was dropped or pasted: a file, or the address of a picture dragged from another page.
 * @param {DataTransfer|null} transfer
 * @returns {File|string|null}
 */
export function photoIn(transfer) {
  if (transfer === null) return null;
  const files = [...transfer.files];
  const file = files.find((one) => one.type.startsWith("image/")) ?? files[0];
  if (file) return file;
  const text = (transfer.getData("text/uri-list") || transfer.getData("text/plain")).trim().split(/\s/)[0];
  return /^https?:\/\/\S+$/i.test(text) ? text : null;
}
