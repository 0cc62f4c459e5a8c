// public/ai-sdk.js with Vercel's own `ai` package against the built Worker, and a network that a test can disturb.
import { createHailuo, type HailuoProvider, type HailuoSettings } from '../../public/ai-sdk.js';
import type { Service } from '../worker/support/service.ts';

// The warnings are in the results.
globalThis.AI_SDK_LOG_WARNINGS = false;

/** Gives the answer that the provider gets; `send` sends the request to the Worker. */
export type Disturb = (request: Request, send: () => Promise<Response>, attempt: number) => Promise<Response>;

export interface Sent {
  method: string;
  path: string;
  headers: Headers;
}

export interface Client {
  hailuo: HailuoProvider;
  /** Every request in order. */
  sent: Sent[];
}

/** `attempt` counts from 0 what goes to the same method and path. */
export function client(
  service: Service,
  settings: HailuoSettings = {},
  disturb: Disturb = (_, send) => send(),
): Client {
  const sent: Sent[] = [];
  const fetchDisturbed = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const { method, headers } = request;
    const path = new URL(request.url).pathname;
    const attempt = sent.filter((one) => one.method === method && one.path === path).length;
    sent.push({ method, path, headers });
    return disturb(request, () => fetch(request), attempt);
  };
  const hailuo = createHailuo({ baseURL: service.origin, fetch: fetchDisturbed, ...settings });
  return { hailuo, sent };
}

/** Carries the request out and loses the answer. */
export async function lost(send: () => Promise<Response>): Promise<never> {
  await (await send()).arrayBuffer();
  throw new TypeError('fetch failed: the connection was reset');
}

export const submits = ({ sent }: Client) =>
  sent.filter(({ method, path }) => method === 'POST' && path === '/v1/videos');

/** The error with which a call ends. */
export async function failure(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => {
      throw new Error('the call succeeded');
    },
    (error) => error,
  );
}
