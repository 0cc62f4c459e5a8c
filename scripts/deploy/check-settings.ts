// Checks settings with the Worker's own rules: starts the built Worker with them and asks its /health.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertV4MiniflareOptions, type Json, Miniflare } from 'miniflare';
import { unstable_getMiniflareWorkerOptions } from 'wrangler';
import { root } from '../shared/worker-process.ts';
import { PROJECT_CONFIG } from './worker-config.ts';

/** What stands for a secret whose value nobody can read back, so that the rules that need its presence can be checked. */
const PLACEHOLDERS: Record<string, string> = {
  WIRO_API_KEY: 'placeholder',
  SIGNING_KEY: 'placeholder-of-32-characters-00001',
  SIGNING_KEY_PREVIOUS: 'placeholder-of-32-characters-00002',
  CLIENT_TOKENS: '{"placeholder": "placeholder-token-1"}',
  OPERATOR_TOKEN: 'placeholder-of-32-characters-00003',
  NOTIFY_SECRET: `whsec_${'A'.repeat(44)}`,
};

export interface CheckedSettings {
  /** What the Worker refuses, one setting each. */
  problems: string[];
  /** What it warns of in its log. */
  warnings: string[];
  /** `tokens`, `turnstile` or `none`. */
  protection: string;
}

/**
 * `secrets` are those whose values are known, `present` the names of those that the deployed Worker has besides. What is
 * required and still missing counts as present: what to do about it is said elsewhere.
 */
export async function checkSettings(
  vars: Record<string, unknown>,
  secrets: Record<string, string>,
  present: string[],
): Promise<CheckedSettings> {
  const unknown = [...present, 'WIRO_API_KEY', 'SIGNING_KEY'];
  const placeholders = Object.fromEntries(unknown.map((name) => [name, PLACEHOLDERS[name] ?? 'placeholder']));
  const bundle = join(root, 'dist');
  const wasm = readdirSync(bundle).find((name) => name.endsWith('.wasm')) ?? '';
  const contents = (name: string) => readFileSync(join(bundle, name));
  const { workerOptions } = unstable_getMiniflareWorkerOptions(PROJECT_CONFIG);
  const { modulesRules: _, ...options } = workerOptions;
  const warnings: string[] = [];
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...options,
      modules: [
        { type: 'ESModule', path: 'index.js', contents: contents('index.js').toString() },
        { type: 'CompiledWasm', path: wasm, contents: contents(wasm) },
      ],
      bindings: { ...(vars as Record<string, Json>), ...placeholders, ...secrets },
      cf: false,
      handleStructuredLogs: ({ message }: { message: string }) => warnings.push(...warningIn(message)),
    }),
  );
  try {
    const response = await miniflare.dispatchFetch('http://localhost/health');
    const answer = (await response.json()) as { protection?: string; detail?: string };
    if (response.ok) return { problems: [], warnings, protection: answer.protection ?? 'none' };
    const problems = (answer.detail ?? `status ${response.status}`).split(/; (?=[A-Z][A-Z_]+ )/);
    return { problems, warnings, protection: 'none' };
  } finally {
    await miniflare.dispose();
  }
}

function warningIn(line: string): string[] {
  try {
    const { level, message } = JSON.parse(line) as { level?: string; message?: string };
    return level === 'warn' && message !== undefined ? [message] : [];
  } catch {
    return [];
  }
}
