// The time from the start of a workerd to its first response, the share of compiling wasm, and the sizes of the
// Workers.
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { root } from '../../scripts/shared/worker-process.ts';
import { firstAnswer, removeWorker, writeWorker } from '../bare-workerd.ts';
import { progress } from '../report/progress.ts';
import { median, ratios, spread } from '../report/statistics.ts';
import { type Cell, figure, ratio, table } from '../report/table.ts';
import { type Module, modulesOf, SIGNING_KEY } from '../subject.ts';

const ROUNDS = 61;

const SETTINGS = {
  WIRO_API_URL: 'https://api.wiro.ai/v1',
  WIRO_SOCKET_URL: 'wss://socket.wiro.ai/v1',
  OUTPUT_HOSTS: 'wiro.ai',
  WIRO_API_KEY: 'a-key',
  SIGNING_KEY,
};

const OBJECTS = ['VideoTask', 'Dispatcher'];

export async function startups(): Promise<string> {
  const [rust, javascript] = [modulesOf('rust'), modulesOf('javascript')];
  const [script, wasm] = rust;
  const [ofRust = [], ofJavascript = [], ofNothing = [], ofWasm = []] = await startTimes([
    writeWorker(rust, SETTINGS, OBJECTS),
    writeWorker(javascript, SETTINGS, OBJECTS),
    writeWorker([nothing()], {}, []),
    writeWorker([nothing(wasm?.path), ...rust.slice(1)], {}, []),
  ]);
  const all = ratios(ofRust, ofJavascript);
  const rows: Cell[][] = [
    [
      'first answer, ms',
      figure(median(ofRust)),
      figure(median(ofJavascript)),
      ratio(median(all), spread(all)),
    ],
    ['of that without any Worker, ms', figure(median(ofNothing)), figure(median(ofNothing)), ''],
    ['of that to compile the wasm, ms', figure(median(ofWasm) - median(ofNothing)), '', ''],
    ['script, bytes gzipped', gzipped(script?.contents ?? ''), gzipped(await bundledReference()), ''],
    ['wasm, bytes gzipped', gzipped(wasm?.contents ?? ''), '', ''],
  ];
  return table(['', 'Rust', 'JS', 'ratio'], rows);
}

/** A Worker that does nothing, or has an unused wasm. */
function nothing(wasm?: string): Module {
  const load = wasm === undefined ? '' : `import wasm from './${wasm}';\nexport { wasm };\n`;
  const contents = `${load}export default { fetch: () => new Response('ok') };\n`;
  return { type: 'ESModule', path: 'nothing.js', contents };
}

/** Of each folder's Worker, round by round. */
async function startTimes(folders: string[]): Promise<number[][]> {
  progress(`start-up, ${ROUNDS} times each`);
  const times: number[][] = folders.map(() => []);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, folder] of folders.entries())
        times[index]?.push(await firstAnswer(folder, '/health'));
    }
  } finally {
    folders.forEach(removeWorker);
  }
  return times;
}

function gzipped(contents: string | Uint8Array): string {
  return gzipSync(contents).length.toLocaleString('en-US');
}

/** The reference as it would be deployed: one file, minified like ours. */
async function bundledReference(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'bench/reference/worker.js')],
    ...{
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      target: 'esnext',
      external: ['cloudflare:*'],
    },
  } as const);
  return outputFiles[0]?.contents ?? new Uint8Array();
}
