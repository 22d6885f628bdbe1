/** Packs files into a ZIP archive, uncompressed: pictures hardly get smaller. Layout: PKWARE's APPNOTE, 4.3. */

const TABLE = Uint32Array.from({ length: 256 }, (_, number) => {
  let value = number;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

const LIMIT = 0xffff_ffff; // of sizes and places in an archive without ZIP64
const MOST = 0xffff;
const UTF8 = 0x800;
const DATE = 0x21; // 1 January 1980: the real one is nobody's business

/** The files are too many, or too large, for one archive. */
export class TooMuchError extends Error {}

/**
 * Pack files.
 * @param {Array<{name: string, file: Blob}>} files `name` is the path in the archive
 * @param {(share: number) => void} progress told how far it is
 * @returns {Promise<Blob>} made of the files themselves, which stay on the disk
 */
export async function pack(files, progress = () => {}) {
  const parts = [];
  const directory = [];
  let place = 0;
  for (const [number, { name, file }] of files.entries()) {
    const path = new TextEncoder().encode(name);
    const shared = fields([2, 20], [2, UTF8], [2, 0], [2, 0], [2, DATE], [4, await checksum(file)], [4, file.size], [4, file.size], [2, path.length]);
    const local = [fields([4, 0x04034b50]), shared, fields([2, 0]), path, file];
    directory.push(fields([4, 0x02014b50], [2, 20]), shared, fields([2, 0], [2, 0], [2, 0], [2, 0], [4, 0], [4, place]), path);
    parts.push(...local);
    place += sizeOf(local);
    if (place > LIMIT || files.length > MOST) throw new TooMuchError();
    progress((number + 1) / files.length);
  }
  const end = fields([4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, sizeOf(directory)], [4, place], [2, 0]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

function sizeOf(parts) {
  return parts.reduce((sum, part) => sum + (part.size ?? part.length), 0);
}

/** Little-endian numbers of some bytes each. */
function fields(...numbers) {
  const bytes = new Uint8Array(numbers.reduce((sum, [size]) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [size, value] of numbers) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return bytes;
}

async function checksum(file) {
  let value = 0xffff_ffff;
  const reader = file.stream().getReader();
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    for (const byte of chunk.value) value = TABLE[(value ^ byte) & 0xff] ^ (value >>> 8);
  }
  return (value ^ 0xffff_ffff) >>> 0;
}
