// HMAC-SHA-256 by Web Crypto; keys are imported once.

const HMAC = { name: 'HMAC', hash: 'SHA-256' };

/** @param {BufferSource} bytes */
export const importHmacKey = (bytes) => crypto.subtle.importKey('raw', bytes, HMAC, false, ['sign']);

/** @returns {Promise<Uint8Array>} */
export const hmac = async (key, message) => new Uint8Array(await crypto.subtle.sign('HMAC', key, message));
