// A service for tests that measure memory.
import { memoryBelow } from '../../../scripts/shared/process-memory.ts';
import { launch, Service, type ServiceOptions } from './service.ts';

export async function startBare(options: ServiceOptions = {}): Promise<BareService> {
  return new BareService(...(await launch(options)));
}

export class BareService extends Service {
  /** The current memory of workerd in bytes. */
  resident(): number {
    return memoryBelow(process.pid, 'workerd').reduce((sum, { resident }) => sum + resident, 0);
  }
}
