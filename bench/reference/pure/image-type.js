// The image types that are taken, by their first bytes; what a client claims is never asked.

export const MAGIC_BYTES = 12;

const EXTENSIONS = { 'image/jpeg': 'jpg', 'image/png': 'png', 'image/webp': 'webp' };

export const extensionOf = (contentType) => EXTENSIONS[contentType];

/** @param {Uint8Array} bytes */
export function imageType(bytes) {
  const start = bytes.subarray(0, MAGIC_BYTES).toHex();
  if (start.startsWith('ffd8ff')) return 'image/jpeg';
  if (start.startsWith('89504e470d0a1a0a')) return 'image/png';
  if (/^52494646.{8}57454250$/.test(start)) return 'image/webp';
  return undefined;
}
