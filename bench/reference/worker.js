// The same service as ../../src, as it would be written by hand in JavaScript, to compare the Worker with. Plain
// modules, Web Crypto and the runtime's streams. Nothing that is measured is missing.
import { content } from './http/content.js';
import { tellOrigin } from './http/cross-origin.js';
import { ApiError, problem } from './http/errors.js';
import { list } from './http/list.js';
import { route } from './http/route.js';
import { health, status } from './http/status.js';
import { submit } from './http/submit.js';
import { wiroCallback } from './http/webhook.js';
import { log } from './log.js';
import { settingsOf } from './settings.js';
import { drain } from './streams.js';

export { Dispatcher } from './dispatcher.js';
export { VideoTask } from './video-task.js';

const FLOWS = { health, submit, list, status, content, wiroCallback };

export default {
  /** @param {Request} request */
  async fetch(request, env) {
    const requestId = `req_${crypto.getRandomValues(new Uint8Array(12)).toHex()}`;
    let answer;
    try {
      answer = await serve(request, env);
    } catch (error) {
      answer = problem(error, requestId);
      if (answer.status >= 500) {
        log.error('a request failed', { request_id: requestId, status: answer.status, error: String(error) });
      }
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') await drain(request.body);
    answer.headers.set('x-request-id', requestId);
    answer.headers.set('x-content-type-options', 'nosniff');
    tellOrigin(request, env, answer.headers);
    return answer;
  },
};

async function serve(request, env) {
  const url = new URL(request.url);
  const settings = await settingsOf(env);
  const { flow, parameters } = route(request.method, url.pathname);
  const run = FLOWS[flow];
  if (!run) throw new ApiError(404, 'not_found', 'Not found', 'There is nothing at this path.');
  return run({ request, env, url, settings, origin: settings.publicUrl || url.origin }, ...parameters);
}
