// The official inspector and the conformance checks of the Model Context Protocol against POST /mcp. npx fetches them:
// the inspector is larger than everything else here together.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { startService } from '../../tests/worker/support/service.ts';

const INSPECTOR = '@modelcontextprotocol/inspector@2.12.0';
const CONFORMANCE = '@modelcontextprotocol/conformance@0.1.16';

/** The others need a server made for them, or what this server has not: prompts, resources, completion, logging. */
const SCENARIOS = ['server-initialize', 'ping', 'tools-list'];

const TOKEN = 'a-token-for-the-inspector';

const run = promisify(execFile);

/** @throws Error with the output of what failed. */
export async function mcpClients(): Promise<string> {
  const closed = await startService({
    secrets: { CLIENT_TOKENS: JSON.stringify({ alice: TOKEN }) },
    sim: { speed: 600 },
  });
  try {
    const { tools } = await inspect(closed.origin, ['--method', 'tools/list']);
    const prompt = 'prompt=a boat for the inspector';
    const call = ['--method', 'tools/call', '--tool-name', 'create_video', '--tool-arg', prompt];
    const { structuredContent } = await inspect(closed.origin, call);
    if (structuredContent?.status !== 'completed') throw new Error(JSON.stringify(structuredContent));
    await conform();
    return `${tools?.length} tools, a video, and ${SCENARIOS.join(', ')}`;
  } finally {
    await closed.close();
  }
}

interface Inspected {
  tools?: unknown[];
  structuredContent?: { status?: string };
}

async function inspect(origin: string, args: string[]): Promise<Inspected> {
  const header = ['--header', `Authorization: Bearer ${TOKEN}`];
  const target = ['--cli', `${origin}/mcp`, '--transport', 'http', ...header];
  const { stdout } = await run('npx', ['--yes', INSPECTOR, ...target, ...args]);
  return JSON.parse(stdout) as Inspected;
}

/** The checks send no token. */
async function conform(): Promise<void> {
  const open = await startService();
  try {
    for (const scenario of SCENARIOS) {
      await run('npx', [
        '--yes',
        CONFORMANCE,
        'server',
        '--url',
        `${open.origin}/mcp`,
        '--scenario',
        scenario,
      ]);
    }
  } finally {
    await open.close();
  }
}
