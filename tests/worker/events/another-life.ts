// Waits for events.
import { expect } from 'vitest';
import type { Service } from '../support/service.ts';

/** Long enough for whatever might still be going on: a whole other video is made. */
export async function anotherLife(service: Service, prompt: string): Promise<void> {
  const { id } = await service.accepted({ prompt });
  expect((await service.ended(id)).status).toBe('completed');
}
