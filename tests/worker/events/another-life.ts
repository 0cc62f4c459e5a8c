// Waits for events.
import { expect } from 'vitest';
import type { Service } from '../support/service.ts';

/** Waits until another video is complete, so that unexpected work would be visible by then. */
export async function anotherLife(service: Service, prompt: string): Promise<void> {
  const { id } = await service.accepted({ prompt });
  expect((await service.ended(id)).status).toBe('completed');
}
