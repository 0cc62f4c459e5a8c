// What the browser of a page of another origin is told, and that nothing is changed for a page that is not listed.
import { originNotAllowed } from './errors.js';

const EXPOSED_HEADERS =
  'accept-ranges, content-disposition, content-range, etag, idempotent-replayed, ' +
  'location, openai-poll-after-ms, preference-applied, repr-digest, retry-after, x-request-id, x-should-retry';

const allowedOrigins = (env) => (env.ALLOWED_ORIGINS || '*').split(',').map((origin) => origin.trim());

/** `*`, the origin itself, '' for pages of our own, or undefined for a stranger's. */
function judge(request, env) {
  const origin = request.headers.get('origin');
  if (origin === null) return '';
  const allowed = allowedOrigins(env);
  if (allowed.includes('*')) return '*';
  if (allowed.includes(origin)) return origin;
  const isOwn =
    origin === new URL(request.url).origin || request.headers.get('sec-fetch-site') === 'same-origin';
  return isOwn ? '' : undefined;
}

export function refuseStrangers(request, env) {
  if (request.method === 'GET' || request.method === 'HEAD') return;
  if (judge(request, env) === undefined) throw originNotAllowed();
}

/** Where any page may read the answer, it says so to everybody: browsers keep what was fetched without an `Origin`. */
export function tellOrigin(request, env, headers) {
  const isAny = allowedOrigins(env).includes('*');
  const origin = isAny ? '*' : judge(request, env);
  if (origin) {
    headers.set('access-control-allow-origin', origin);
    headers.set('access-control-expose-headers', EXPOSED_HEADERS);
  }
  if (!isAny) headers.append('vary', 'origin');
}
