// Detects image formats by their first bytes.

/** The content type of jpg, png, webp, gif or heic bytes, the formats Wiro lists; undefined for anything else. */
export function imageType(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (head.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (head.startsWith('GIF87a') || head.startsWith('GIF89a')) return 'image/gif';
  if (/^RIFF.{4}WEBP/s.test(head)) return 'image/webp';
  if (/^.{4}ftyp(heic|heix|hevc|hevx|mif1|msf1)/s.test(head)) return 'image/heic';
  return undefined;
}
