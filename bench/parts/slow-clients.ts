// The memory for clients that send slowly or do not read. Each row has its own Worker, so that rows do not affect each
// other.
import { connect, type Socket } from 'node:net';
import { forgetPeak, memoryOf } from '../process-time.ts';
import { progress } from '../report/progress.ts';
import { type Cell, table } from '../report/table.ts';
import { completed, submit } from '../scene.ts';
import { type Subject, startSubject } from '../subject.ts';
import { Upstream } from '../upstream.ts';

const MIB = 1024 * 1024;
/** Fast, and still slow enough for a subscriber to see all stages. */
const SPEED = 60;
/** Data that has arrived by then counts as held. */
const HELD_MS = 4_000;
const PNG = Buffer.from('89504e470d0a1a0a0000000d', 'hex');
const BOUNDARY = 'slow';

/** The behaviour of a client; resolves with a description of the result when memory is measured. */
interface Attack {
  name: string;
  run: (subject: Subject, sockets: Socket[]) => Promise<string>;
}

const ALL: Attack[] = [
  {
    name: 'an image of 200,000 bytes in chunks of 1 byte, unfinished',
    run: (subject, sockets) => oneByOne(subject, sockets),
  },
  {
    name: '30 images of 5 MiB in chunks of 64 KiB, unfinished',
    run: (subject, sockets) => images(subject, sockets, 64 * 1024),
  },
  {
    name: '30 images of 5 MiB in chunks of 512 bytes, unfinished',
    run: (subject, sockets) => images(subject, sockets, 512),
  },
  {
    name: 'the same in chunks of 64 KiB, broken off, four times',
    run: async (subject, sockets) => {
      for (let round = 0; round < 4; round++) {
        await images(subject, sockets, 64 * 1024);
        for (const socket of sockets) socket.destroy();
      }
      await sleep(HELD_MS);
      return 'disconnected';
    },
  },
  {
    name: '200 watchers resume a completed video and read nothing',
    run: (subject, sockets) => watchers(subject, sockets),
  },
];

const ATTACKS = ALL.filter(({ name }) => name.includes(process.env.ONLY ?? ''));
const HEADER = [
  'what the clients do',
  'what they hear',
  'resident MiB more',
  'peak MiB more',
  'wasm MiB before',
  'after',
];

export async function slowClients(): Promise<string> {
  const upstream = await Upstream.start(SPEED);
  try {
    await upstream.script('chatty', { socket: 'chatty' });
    const rows: Cell[][] = [];
    for (const attack of ATTACKS) rows.push(await measured(attack, upstream));
    return table(HEADER, rows);
  } finally {
    await upstream.stop();
  }
}

async function measured({ name, run }: Attack, upstream: Upstream): Promise<Cell[]> {
  const subject = await startSubject('rust', upstream);
  const sockets: Socket[] = [];
  try {
    await completed(subject, await submit(subject, 'warm up'));
    const wasm = await subject.wasmMemory();
    const before = memoryOf(subject.pid).resident;
    forgetPeak(subject.pid);
    const heard = await run(subject, sockets);
    const { resident, peak } = memoryOf(subject.pid);
    const row = [
      name,
      heard,
      mib(resident - before),
      mib(peak - before),
      mib(wasm),
      mib(await subject.wasmMemory()),
    ];
    progress(row.join(' | '));
    return row;
  } finally {
    for (const socket of sockets) socket.destroy();
    await subject.stop();
  }
}

async function oneByOne(subject: Subject, sockets: Socket[]): Promise<string> {
  const client = await slowClient(subject, sockets);
  const byte = Buffer.from('1\r\nx\r\n');
  for (let sent = 0; sent < 200_000; sent += 1000) {
    await client.send(Buffer.concat(Array.from({ length: 1000 }, () => byte)));
  }
  await sleep(HELD_MS);
  return heardBy([client]);
}

async function images(subject: Subject, sockets: Socket[], chunkBytes: number): Promise<string> {
  const chunk = Buffer.concat([
    Buffer.from(`${chunkBytes.toString(16)}\r\n`),
    Buffer.alloc(chunkBytes, 'x'),
    Buffer.from('\r\n'),
  ]);
  const clients = await Promise.all(Array.from({ length: 30 }, () => slowClient(subject, sockets)));
  for (let sent = 0; sent + chunkBytes < 5 * MIB; sent += chunkBytes) {
    await Promise.all(clients.map((client) => client.send(chunk)));
  }
  await sleep(HELD_MS);
  return heardBy(clients);
}

interface SlowClient {
  /** Resolves when the bytes are on their way, or the connection is closed. */
  send(bytes: Buffer): Promise<void>;
  /** The status of the answer, if there was one. */
  heard(): string | undefined;
}

/** A client that has sent the start of a form with an image. */
async function slowClient({ origin }: Subject, sockets: Socket[]): Promise<SlowClient> {
  const { host, hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  let received = '';
  let isClosed = false;
  socket.on('data', (data) => (received += data.toString('latin1'))).on('error', () => {});
  socket.on('close', () => {
    isClosed = true;
  });
  const send = (bytes: Buffer) =>
    new Promise<void>((resolve) => {
      if (isClosed) return resolve();
      socket.once('close', () => resolve());
      socket.write(bytes, () => resolve());
      socket.setMaxListeners(0);
    });
  const part = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="inputImageFirst"; filename="a.png"\r\n\r\n`;
  const start = Buffer.concat([Buffer.from(part), PNG]);
  const head = `POST /v1/videos HTTP/1.1\r\nHost: ${host}\r\nContent-Type: multipart/form-data; boundary=${BOUNDARY}\r\n`;
  await send(Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n${start.length.toString(16)}\r\n`));
  await send(Buffer.concat([start, Buffer.from('\r\n')]));
  return { send, heard: () => received.split(' ')[1] };
}

function heardBy(clients: SlowClient[]): string {
  const counts = new Map<string, number>();
  for (const client of clients) {
    const heard = client.heard() ?? 'nothing yet';
    counts.set(heard, (counts.get(heard) ?? 0) + 1);
  }
  return [...counts].map(([heard, count]) => `${count} × ${heard}`).join(', ');
}

async function watchers(subject: Subject, sockets: Socket[]): Promise<string> {
  // Four bytes per character, at the limit of a prompt.
  const id = await submit(subject, `chatty ${'🛶'.repeat(990)}`);
  const first = await firstEventId(subject, id);
  await completed(subject, id);
  const { host, hostname, port } = new URL(subject.origin);
  const resumed = Array.from({ length: 200 }, () => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    sockets.push(socket);
    socket.write(`GET /v1/videos/${id}/events HTTP/1.1\r\nHost: ${host}\r\nLast-Event-ID: ${first}\r\n\r\n`);
    return new Promise<void>((resolve) => socket.once('readable', () => resolve()));
  });
  await Promise.all(resumed);
  await sleep(HELD_MS);
  return `${resumed.length} streams`;
}

/** Subscribes until the end. */
async function firstEventId({ origin }: Subject, id: string): Promise<string> {
  const response = await fetch(`${origin}/v1/videos/${id}/events`);
  return (await response.text()).match(/^id: (\d+)$/m)?.[1] ?? '';
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const mib = (bytes: number) => (bytes / MIB).toFixed(1);
