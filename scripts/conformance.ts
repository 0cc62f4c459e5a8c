// `make conformance`: foreign programs against the built Worker for longer than in the tests. Schemathesis with many
// examples, the page's main flow in Firefox and WebKitGTK, where these are installed, and the inspector of MCP.
import { existsSync } from 'node:fs';
import { hasSchemathesis, schemathesis } from '../tests/clients/schemathesis.ts';
import { startService } from '../tests/worker/support/service.ts';
import prepareWorkerOptions from '../tests/worker/support/worker-options.ts';
import { FIREFOX, startFirefox } from './conformance/firefox.ts';
import { mcpClients } from './conformance/mcp.ts';
import { pageFlow } from './conformance/page-flow.ts';
import type { RemoteBrowser } from './conformance/remote-browser.ts';
import { findWebKit, startWebKit } from './conformance/webkit.ts';
import { reasonOf } from './shared/reason.ts';
import { type Defer, runToExit } from './shared/shutdown.ts';

const EXAMPLES = Number(process.env.EXAMPLES || 100);
const SEED = Number(process.env.SEED || Math.floor(Math.random() * 2 ** 31));

await runToExit(conformance, (error) => console.error(`make conformance failed: ${reasonOf(error)}`));

async function conformance(defer: Defer): Promise<number> {
  await prepareWorkerOptions();
  const webKit = findWebKit();
  const isFine = [
    await asDescribed(),
    await byAgents(),
    await inBrowser('Firefox', existsSync(FIREFOX) ? startFirefox : undefined, defer),
    await inBrowser('WebKitGTK', webKit === undefined ? undefined : () => startWebKit(webKit), defer),
  ];
  return isFine.every(Boolean) ? 0 : 1;
}

/** Whether Schemathesis found nothing, or is not installed. */
async function asDescribed(): Promise<boolean> {
  if (!hasSchemathesis) {
    console.log('Schemathesis: skipped, not installed (scripts/install-test-packages.sh)');
    return true;
  }
  console.log(`Schemathesis: SEED=${SEED} EXAMPLES=${EXAMPLES}`);
  const { exitCode, output, errors } = await schemathesis({ seed: SEED, examples: EXAMPLES });
  console.log(output);
  if (exitCode !== 0) console.log(errors);
  return exitCode === 0;
}

/** Whether the inspector and the conformance checks of MCP found nothing. */
async function byAgents(): Promise<boolean> {
  try {
    console.log(`MCP: ${await mcpClients()}`);
    return true;
  } catch (error) {
    console.log(`MCP: failed: ${reasonOf(error)}`);
    return false;
  }
}

/** Whether the page did what it should, or there is no such browser. */
async function inBrowser(
  kind: string,
  start: (() => Promise<RemoteBrowser>) | undefined,
  defer: Defer,
): Promise<boolean> {
  if (start === undefined) {
    console.log(`${kind}: skipped, not installed`);
    return true;
  }
  const service = await startService();
  defer(() => service.close());
  try {
    const browser = await start();
    defer(() => browser.close());
    await pageFlow(browser, service.origin);
    console.log(`${browser.name}: submitted, watched, played, sought`);
    return true;
  } catch (error) {
    console.log(`${kind}: failed: ${reasonOf(error)}`);
    return false;
  }
}
