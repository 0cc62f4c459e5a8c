// The JavaScript half of r2.rs: what R2 wants to be told in objects.

/** An object, of its bytes so many from there on. */
export const getPart = (bucket, key, offset, length) => bucket.get(key, { range: { offset, length } });

export const put = (bucket, key, value, contentType) =>
  bucket.put(key, value, { httpMetadata: { contentType } });

export const beginUpload = (bucket, key, contentType) =>
  bucket.createMultipartUpload(key, { httpMetadata: { contentType } });

/** Up to `limit` keys of what was stored before then: those behind `after`, and where these are few, the first ones. */
export async function keysBefore(bucket, prefix, after, limit, beforeMs) {
  const { objects, truncated } = await bucket.list({ prefix, startAfter: after, limit });
  if (!truncated) objects.push(...(await bucket.list({ prefix, limit })).objects);
  const keys = objects.filter(({ uploaded }) => uploaded.getTime() < beforeMs).map(({ key }) => key);
  return [...new Set(keys)].slice(0, limit);
}
