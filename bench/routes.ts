// The routes that are measured, each as a source of requests.
import type { Shot } from './load.ts';
import { LARGE_BYTES, type Scene } from './scene.ts';

export interface Route {
  /** As ROUTES names it. */
  key: string;
  name: string;
  /** Measured at up to this many connections. */
  maxConnections?: number;
  shots: (scene: Scene) => Promise<() => Shot>;
}

const IMAGE_BYTES = 1024 * 1024;
const RANGE_BYTES = 64 * 1024;
const BOUNDARY = 'a-boundary-for-benchmarks';

export const ROUTES: Route[] = [
  {
    key: 'health',
    name: 'GET /health',
    shots: async () => always({ method: 'GET', path: '/health', status: 200 }),
  },
  { key: 'submit', name: 'submit, JSON', shots: async () => always(jsonSubmit()) },
  {
    key: 'multipart',
    name: 'submit, 1 MB image',
    maxConnections: 16,
    shots: async () => always(imageSubmit()),
  },
  {
    key: 'status',
    name: 'status, final (KV)',
    shots: async (scene) => around(await scene.completed(), (id) => get(`/v1/videos/${id}`)),
  },
  {
    key: 'inflight',
    name: 'status, in flight (object)',
    shots: async (scene) => around(await scene.inFlight(), (id) => get(`/v1/videos/${id}`)),
  },
  {
    key: 'range',
    name: 'content, 64 KiB range',
    shots: async (scene) => {
      const [large] = await scene.large();
      return around([0, 1, 2, 3], (part) => {
        const first = (part * LARGE_BYTES) / 4;
        const range = `bytes=${first}-${first + RANGE_BYTES - 1}`;
        return { ...get(`/v1/videos/${large}/content`), headers: { range }, status: 206 };
      });
    },
  },
  {
    key: 'whole',
    name: 'content, 64 MB whole',
    maxConnections: 16,
    shots: async (scene) => around(await scene.large(), (id) => get(`/v1/videos/${id}/content`)),
  },
  {
    key: 'hook',
    name: 'hook, right proof',
    shots: async (scene) => around(await scene.callbacks(), (path) => callback(path, 200)),
  },
  {
    key: 'wrong',
    name: 'hook, wrong proof',
    shots: async (scene) =>
      around(await scene.callbacks(), (path) => callback(path.replace(/[^/]+$/, 'a'.repeat(32)), 404)),
  },
  {
    key: 'madeup',
    name: 'made-up id, 404',
    shots: async () => always({ method: 'GET', path: `/v1/videos/vid_${'a'.repeat(40)}`, status: 404 }),
  },
];

export function routeNamed(key: string): Route {
  const route = ROUTES.find((route) => route.key === key);
  if (!route)
    throw new Error(`there is no route ${key}; there are ${ROUTES.map(({ key }) => key).join(', ')}`);
  return route;
}

const always = (shot: Shot) => () => shot;

/** Cycles through the requests. */
function around<T>(items: T[], make: (item: T) => Shot): () => Shot {
  const shots = items.map(make);
  let turn = 0;
  return () => shots[turn++ % shots.length] as Shot;
}

const get = (path: string): Shot => ({ method: 'GET', path, status: 200 });

export function jsonSubmit(): Shot {
  const prompt = 'measured: a paper boat drifts down a rainy street, seen from above, at dusk';
  const body = JSON.stringify({ prompt, promptOptimizer: true, resolution: '768P', duration: 6 });
  const headers = { 'content-type': 'application/json' };
  return { method: 'POST', path: '/v1/videos', headers, body, status: 202 };
}

function imageSubmit(): Shot {
  const field = (disposition: string, value: string) =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${value}`;
  const body = Buffer.concat([
    Buffer.from(`${field('name="prompt"', 'measured: she turns and smiles')}\r\n`),
    Buffer.from(field('name="inputImageFirst"; filename="portrait.png"', '')),
    picture(IMAGE_BYTES),
    Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  ]);
  const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
  return { method: 'POST', path: '/v1/videos', headers, body, status: 202 };
}

/** Starts like PNG; the rest is random, like compressed data. */
function picture(bytes: number): Buffer {
  const words = new Uint32Array(bytes / 4);
  let state = 0x9e3779b9;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  const picture = Buffer.from(words.buffer);
  picture.write('89504e470d0a1a0a', 'hex');
  return picture;
}

function callback(path: string, status: number): Shot {
  const task = { id: '534574', status: 'task_postprocess_end', pexit: '0', outputs: [] };
  const body = JSON.stringify({ total: '1', errors: [], tasklist: [task], result: true });
  return { method: 'POST', path, headers: { 'content-type': 'application/json' }, body, status };
}
