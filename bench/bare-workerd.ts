// A Worker in its own workerd without Miniflare and storage, to measure its start.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Module } from './subject.ts';

/** The path of Miniflare's workerd. */
const { default: workerd } = createRequire(import.meta.url)('workerd') as { default: string };

/** Writes the Worker and its configuration into a new folder; the first module is its entry point. */
export function writeWorker(modules: Module[], bindings: Record<string, string>, objects: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'hailuo-worker-bench-'));
  for (const { path, contents } of modules) writeFileSync(join(folder, path), contents);
  const list = (entries: string[]) => `[\n    ${entries.join(',\n    ')}\n  ]`;
  const kind = ({ type }: Module) => (type === 'CompiledWasm' ? 'wasm' : 'esModule');
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
const main :Workerd.Worker = (
  compatibilityDate = "2026-11-01",
  modules = ${list(modules.map((module) => `(name = "${module.path}", ${kind(module)} = embed "${module.path}")`))},
  bindings = ${list(Object.entries(bindings).map(([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`))},
  durableObjectNamespaces = ${list(objects.map((name) => `(className = "${name}", uniqueKey = "${name}", enableSql = true)`))},
  durableObjectStorage = (inMemory = void)
);
`;
  writeFileSync(join(folder, 'config.capnp'), config);
  return folder;
}

export const removeWorker = (folder: string) => rmSync(folder, { recursive: true });

/** Milliseconds from the start of the process to its first answer. */
export async function firstAnswer(folder: string, path: string): Promise<number> {
  const began = performance.now();
  const child = spawn(workerd, ['serve', join(folder, 'config.capnp'), '--control-fd=3'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  try {
    const [event] = (await once(child.stdio[3] as Readable, 'data')) as [Buffer];
    const { port } = JSON.parse(String(event).split('\n')[0] ?? '') as { port: number };
    const status = await get(port, path);
    if (status !== 200) throw new Error(`the first answer is ${status}`);
    return performance.now() - began;
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}

async function get(port: number, path: string): Promise<number> {
  const request = http.get({ host: '127.0.0.1', port, path, agent: false });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode ?? 0;
}
