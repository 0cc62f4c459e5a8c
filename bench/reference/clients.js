// Who asks, by the token that is shown.
import { refuseStrangers } from './http/cross-origin.js';
import { noSuchVideo, unauthorized } from './http/errors.js';
import { tokenDigest } from './settings.js';

/** The client's name; '' where there are no clients. */
export async function clientOf({ request, env, settings }) {
  refuseStrangers(request, env);
  if (!settings.clients) return '';
  const [, token] = request.headers.get('authorization')?.match(/^Bearer +(\S+)$/i) ?? [];
  const shown = token && (await tokenDigest(token));
  const client = shown && settings.clients.find(({ digest }) => crypto.subtle.timingSafeEqual(digest, shown));
  if (!client) throw unauthorized('Send a valid token as Authorization: Bearer <token>.');
  return client.name;
}

/** The client whose video this is; nobody else gets any further. Touches no storage. */
export async function ownerOf(call, id) {
  const owner = await clientOf(call);
  if (!(await call.settings.signingKeys.isOwn(owner, id))) throw noSuchVideo();
  return owner;
}
