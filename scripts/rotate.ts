// `make rotate`, for the owner of a Cloudflare account.
import { rotateSecret } from './deploy/rotate-secret.ts';
import { runInTerminal } from './deploy/run.ts';

await runInTerminal(rotateSecret);
