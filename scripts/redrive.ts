// `make redrive ID=vid_…`: resumes a failed video that may have been charged. URL is the Worker's URL (default: `make
// dev`). OPERATOR_TOKEN comes from the environment, .dev.vars or .secrets.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { instanceOf } from './deploy/instance.ts';
import { projectConfig } from './deploy/worker-config.ts';
import { reasonOf } from './shared/reason.ts';
import { root } from './shared/worker-process.ts';

const DEV_VARS = process.env.DEV_VARS ?? join(root, '.dev.vars');

try {
  const origin = process.env.URL ?? 'http://localhost:8787';
  console.log(await redrive(process.env.ID, origin, operatorToken(origin)));
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

function operatorToken(origin: string): string | undefined {
  if (process.env.OPERATOR_TOKEN) return process.env.OPERATOR_TOKEN;
  const { secretsFile } = instanceOf(process.env, projectConfig().name);
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(new URL(origin).hostname);
  const files = isHere ? [DEV_VARS, secretsFile] : [secretsFile, DEV_VARS];
  const tokens = files.filter(existsSync).map((file) => parseEnv(readFileSync(file, 'utf8')).OPERATOR_TOKEN);
  return tokens.find((token) => token?.trim());
}
