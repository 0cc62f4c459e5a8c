// Checks that the response to a refused request is correct, and that the request leaves no trace.
import { expect } from 'vitest';
import { problem, type Service } from './service.ts';
import type { Problem } from './types.ts';

/** The status and code of a problem. */
export type Refusal = readonly [status: number, code: string];

export const INVALID_REQUEST: Refusal = [400, 'invalid_request'];
export const INVALID_PARAMETER: Refusal = [400, 'invalid_parameter'];
export const NOT_FOUND: Refusal = [404, 'not_found'];
export const METHOD_NOT_ALLOWED: Refusal = [405, 'method_not_allowed'];
export const PAYLOAD_TOO_LARGE: Refusal = [413, 'payload_too_large'];
export const UNSUPPORTED_MEDIA_TYPE: Refusal = [415, 'unsupported_media_type'];

/** Everything that a request can leave behind; Turnstile's verifier may be asked. */
export interface Traces {
  callsToWiro: number;
  objects: string[];
  records: string[];
  files: string[];
}

export async function traces(service: Service): Promise<Traces> {
  const [objects, records, files] = await Promise.all([
    service.objectIds(),
    service.bindings.TASKS.list(),
    service.bindings.VIDEOS.list(),
  ]);
  return {
    callsToWiro: service.sim.calls.length - service.sim.callsTo('/turnstile/').length,
    objects: objects.toSorted(),
    records: records.keys.map(({ name }) => name).filter((name) => !name.startsWith('model:')),
    files: files.objects.map(({ key }) => key),
  };
}

/** Sends what must be refused so and must leave no trace. Meanwhile no video may be in flight. */
export async function refused(
  service: Service,
  refusal: Refusal,
  send: () => Promise<Response>,
): Promise<Problem> {
  const before = await traces(service);
  const found = await expectProblem(await send(), refusal);
  expect(await traces(service)).toEqual(before);
  return found;
}

/** Checks a problem by the contract. `errors` has entries for bad parameters and for nothing else. */
export async function expectProblem(response: Response, [status, code]: Refusal): Promise<Problem> {
  const found = await problem(response);
  expect(found).toEqual({
    type: 'about:blank',
    title: expect.stringMatching(/\w/),
    status,
    detail: expect.stringMatching(/\w/),
    code,
    request_id: response.headers.get('x-request-id'),
    errors: expect.any(Array),
    error: {
      message: found.detail,
      type: expect.stringMatching(/^(invalid_request|authentication|rate_limit|server)_error$/),
      param: found.errors[0]?.field ?? null,
      code: expect.stringMatching(/^[a-z_]+$/),
    },
  });
  expect(response.status).toBe(status);
  expect(found.request_id).toMatch(/^\S{8,}$/);
  if (![INVALID_PARAMETER[1], 'unsupported'].includes(code)) expect(found.errors).toEqual([]);
  return found;
}

/** The message for a field that must be among the refused. */
export function messageFor({ errors }: Problem, field: string): string {
  const messages = errors.filter((error) => error.field === field).map(({ message }) => message);
  expect(messages, `errors of ${field}`).toHaveLength(1);
  return messages.join();
}

export function fieldNames({ errors }: Problem): string[] {
  return errors.map(({ field }) => field);
}
