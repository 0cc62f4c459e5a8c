// The settings, read once for an isolate, and the keys that are made of them.
import { importHmacKey } from './pure/hmac.js';
import { SigningKeys } from './pure/keys.js';
import { Ladder } from './pure/ladder.js';

/** @type {Promise<Settings> | undefined} */
let cached;

/** @returns {Promise<Settings>} */
export function settingsOf(env) {
  cached ??= read(env).catch((error) => {
    cached = undefined;
    throw error;
  });
  return cached;
}

async function read(env) {
  return {
    apiKey: env.WIRO_API_KEY,
    apiSecret: env.WIRO_API_SECRET,
    signatureKey: await importHmacKey(new TextEncoder().encode(env.WIRO_API_KEY)),
    signingKeys: await SigningKeys.derive(env.SIGNING_KEY),
    apiUrl: withoutSlash(env.WIRO_API_URL),
    model: 'hailuo-2.3',
    modelPath: 'minimax/hailuo-2-3',
    publicUrl: withoutSlash(env.PUBLIC_URL ?? ''),
    outputHosts: env.OUTPUT_HOSTS.split(',').map((host) => host.trim()),
    clients: await clients(env.CLIENT_TOKENS),
    maxActive: Number(env.MAX_ACTIVE ?? 0) || Number.POSITIVE_INFINITY,
    poll: new Ladder(env.POLL_SECONDS || '30,45,60,90,120,180,300'),
    retry: new Ladder(env.RETRY_SECONDS || '2,5,15,60,300'),
    taskDeadlineMs: Number(env.TASK_DEADLINE_SECONDS || 7200) * 1000,
    copyDeadlineMs: Number(env.COPY_DEADLINE_SECONDS || 86_400) * 1000,
    retentionSeconds: Number(env.RETENTION_DAYS || 30) * 86_400,
  };
}

const withoutSlash = (url) => url.replace(/\/$/, '');

/** Names by the digests of their tokens; undefined where everybody is a client. */
async function clients(json) {
  if (!json) return undefined;
  const named = Object.entries(JSON.parse(json));
  return Promise.all(named.map(async ([name, token]) => ({ name, digest: await tokenDigest(token) })));
}

export const tokenDigest = (token) => crypto.subtle.digest('SHA-256', new TextEncoder().encode(token));

/** @typedef {Awaited<ReturnType<typeof read>>} Settings */
