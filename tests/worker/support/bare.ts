// A service for tests that measure memory.
import { memoryBelow } from '../../../scripts/process-memory.ts';
import { launch, Service, type ServiceOptions } from './service.ts';

export async function startBare(options: ServiceOptions = {}): Promise<BareService> {
  return new BareService(...(await launch(options)));
}

export class BareService extends Service {
  /** Bytes of workerd now in memory. */
  resident(): number {
    return memoryBelow(process.pid, 'workerd').reduce((sum, { resident }) => sum + resident, 0);
  }
}
