// The JavaScript half of r2.rs: what R2 wants to be told in objects.

/** An object, of its bytes so many from there on. */
export const getPart = (bucket, key, offset, length) => bucket.get(key, { range: { offset, length } });

export const put = (bucket, key, value, contentType) =>
  bucket.put(key, value, { httpMetadata: { contentType } });

export const beginUpload = (bucket, key, contentType) =>
  bucket.createMultipartUpload(key, { httpMetadata: { contentType } });
