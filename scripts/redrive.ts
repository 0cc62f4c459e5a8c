// `make redrive ID=vid_…`: resumes a failed video that may have been charged. URL is the Worker's URL (default: `make
// dev`). OPERATOR_TOKEN comes from the environment or .dev.vars.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { reasonOf } from './shared/reason.ts';
import { root } from './shared/worker-process.ts';

const DEV_VARS = process.env.DEV_VARS ?? join(root, '.dev.vars');

try {
  console.log(await redrive(process.env.ID, process.env.URL ?? 'http://localhost:8787', operatorToken()));
} catch (error) {
  console.error(`make redrive failed: ${reasonOf(error)}`);
  process.exitCode = 1;
}

async function redrive(id: string | undefined, origin: string, token: string | undefined): Promise<string> {
  if (!id) throw new Error('say which video: make redrive ID=vid_…');
  if (!token) throw new Error('set OPERATOR_TOKEN to the secret of that name');
  const url = new URL(`/operator/videos/${encodeURIComponent(id)}/redrive`, origin);
  const response = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
  const answer = (await response.json()) as { status: string; detail?: string };
  if (response.status !== 202) throw new Error(`${response.status}: ${answer.detail}`);
  return `${id} is tried again; it is ${answer.status}.`;
}

function operatorToken(): string | undefined {
  const { OPERATOR_TOKEN: token } = process.env;
  if (token) return token;
  return existsSync(DEV_VARS) ? parseEnv(readFileSync(DEV_VARS, 'utf8')).OPERATOR_TOKEN : undefined;
}
