// The operator's requests, and what is answered.
import { expect } from 'vitest';
import type { Service } from '../support/service.ts';

export const OPERATOR_TOKEN = 'operator-token-5a0f3d9e7c1b28460d93';

export interface Client {
  name: string;
  source: 'settings' | 'operator';
  daily_usd: string | null;
  max_active: number | null;
  paused: boolean;
  has_webhook_secret: boolean;
  tokens: number;
  created_at: number | null;
  spent_today_usd: string;
  reserved_usd: string;
  active: number;
}

/** A request with the operator's token; `body` is sent as JSON. */
export function operate(service: Service, method: string, path: string, body?: object): Promise<Response> {
  const headers = { authorization: `Bearer ${OPERATOR_TOKEN}`, 'content-type': 'application/json' };
  return service.fetch(`/operator/${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** The answer to a request that must succeed. */
export async function operated<T>(
  service: Service,
  method: string,
  path: string,
  body?: object,
  status = 200,
): Promise<T> {
  const response = await operate(service, method, path, body);
  const text = await response.text();
  expect([response.status, text]).toEqual([status, text]);
  return JSON.parse(text) as T;
}

/** Makes a client; returns the service with its token. */
export async function makeClient(service: Service, name: string, options: object = {}): Promise<Service> {
  const { token } = await operated<{ token: string }>(service, 'POST', 'clients', { name, ...options }, 201);
  return service.as(token);
}

export async function clientNamed(service: Service, name: string): Promise<Client | undefined> {
  const { data } = await operated<{ data: Client[] }>(service, 'GET', 'clients');
  return data.find((client) => client.name === name);
}
