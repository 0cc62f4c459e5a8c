// The official SDK with the built Worker, and a network that can lose responses.
import OpenAI from 'openai';
import type { Service } from '../worker/support/service.ts';

/** Whether the answer to the request is lost on its way; the request was carried out all the same. */
export type Loses = (request: Request, attempt: number) => boolean;

export interface Network {
  client: OpenAI;
  /** Every request that was sent, in order: method, path and the SDK's count of retries. */
  sent: { method: string; path: string; retryCount: string | null }[];
}

export function sdk(service: Service, apiKey: string, loses: Loses = () => false): Network {
  const sent: Network['sent'] = [];
  const attempts = new Map<string, number>();
  const lossy = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    // The SDK sends a test request to find out whether forms are supported.
    if (request.url.startsWith('data:')) return fetch(request);
    const path = new URL(request.url).pathname;
    const key = `${request.method} ${path}`;
    const attempt = attempts.get(key) ?? 0;
    attempts.set(key, attempt + 1);
    sent.push({ method: request.method, path, retryCount: request.headers.get('x-stainless-retry-count') });
    const answer = await fetch(request);
    if (!loses(request, attempt)) return answer;
    await answer.arrayBuffer();
    throw new TypeError('fetch failed: the connection was reset');
  };
  const client = new OpenAI({ baseURL: `${service.origin}/v1`, apiKey, fetch: lossy });
  return { client, sent };
}
