// GET /v1/videos: the caller's own videos, newest first.
import { taskOf } from '../call-object.js';
import { clientOf } from '../clients.js';
import { dispatcherOf } from '../dispatcher.js';
import { isFinal, shown } from '../pure/record.js';
import { readRecords } from '../records.js';
import { invalidParameter, unauthorized } from './errors.js';

const DEFAULT_LIMIT = 20;

export async function list(call) {
  const { env } = call;
  const owner = await clientOf(call);
  if (owner === '') {
    throw unauthorized('Only clients with a token have a list, and this service has no client tokens.');
  }
  const page = await dispatcherOf(env).list(owner, await listing(call, owner));
  if (!page) throw invalidParameter([NOT_AFTER]);
  const published = await readRecords(env, page.ids);
  const records = await Promise.all(
    page.ids.map((id, at) =>
      published[at] && isFinal(published[at]) ? published[at] : taskOf(env, id).read(),
    ),
  );
  const data = await Promise.all(records.filter(Boolean).map((record) => shown(call, owner, record)));
  const body = {
    object: 'list',
    data,
    first_id: data.at(0)?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: page.hasMore,
  };
  return Response.json(body, { headers: { 'cache-control': 'private, no-store' } });
}

const NOT_AFTER = { field: 'after', message: 'must be the id of one of your videos' };

async function listing({ url, settings }, owner) {
  const errors = [];
  const limit = url.searchParams.get('limit') ?? `${DEFAULT_LIMIT}`;
  const order = url.searchParams.get('order') ?? 'desc';
  const after = url.searchParams.get('after') || undefined;
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > 100) {
    errors.push({ field: 'limit', message: 'must be a whole number from 1 to 100' });
  }
  if (after && !(await settings.signingKeys.isOwn(owner, after))) errors.push(NOT_AFTER);
  if (order !== 'desc' && order !== 'asc') errors.push({ field: 'order', message: 'must be asc or desc' });
  if (errors.length > 0) throw invalidParameter(errors);
  return { limit: Number(limit), oldestFirst: order === 'asc', after };
}
