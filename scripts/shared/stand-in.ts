// The settings that point the Worker at the stand-in for Wiro.
import type { Sim } from '../../sim/index.ts';

export function settingsFor(sim: Sim): Record<string, string> {
  return {
    WIRO_API_URL: sim.apiUrl,
    WIRO_SOCKET_URL: sim.socketUrl,
    OUTPUT_HOSTS: sim.cdnHost,
    TURNSTILE_VERIFY_URL: sim.verifyUrl,
    WIRO_API_KEY: sim.apiKey,
    WIRO_API_SECRET: sim.apiSecret ?? '',
  };
}
