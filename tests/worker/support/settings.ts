// The settings of the Worker in tests: short delays, and the stand-in instead of Wiro.
import { fileURLToPath } from 'node:url';
import type { Sim } from '../../../sim/index.ts';
import type { ServiceOptions } from './service.ts';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

export const SIGNING_KEY = 'test-signing-key-9c1e5a7d3b8f2604';

export function settingsFor(sim: Sim, { vars = {}, secrets = {} }: ServiceOptions) {
  return {
    vars: {
      WIRO_API_URL: sim.apiUrl,
      WIRO_SOCKET_URL: sim.socketUrl,
      OUTPUT_HOSTS: sim.cdnHost,
      TURNSTILE_VERIFY_URL: sim.verifyUrl,
      POLL_SECONDS: '0.2',
      SEARCH_SECONDS: '0.2',
      RETRY_SECONDS: '0.1',
      SUBMIT_PER_MINUTE: '0',
      VISITS_PER_MINUTE: '0',
      ...vars,
    },
    secrets: {
      WIRO_API_KEY: sim.apiKey,
      WIRO_API_SECRET: sim.apiSecret ?? '',
      SIGNING_KEY,
      ...secrets,
    },
  };
}
