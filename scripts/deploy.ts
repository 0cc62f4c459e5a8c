// `make deploy`, for the owner of a Cloudflare account.
import { deploy } from './deploy/deploy.ts';
import { runInTerminal } from './deploy/run.ts';

await runInTerminal(deploy);
