// The load generator: a number of kept-alive connections, each with one request after the other.
import { createHistogram } from 'node:perf_hooks';
import { Client } from 'undici';

export interface Shot {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** Any other response ends the measurement. */
  status: number;
}

export interface Load {
  requests: number;
  seconds: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** The CPU share of the generator itself. */
  busy: number;
}

/** Until `ms` have passed or `count` requests were sent; all requests are completed. */
export async function fire(
  origin: string,
  next: () => Shot,
  { connections, ms = Number.POSITIVE_INFINITY, count = Number.POSITIVE_INFINITY }: LoadOptions,
): Promise<Load> {
  const clients = Array.from({ length: connections }, () => new Client(origin, { pipelining: 1 }));
  // Connections are opened before the clock starts.
  await Promise.all(clients.map((client) => exchange(client, next())));
  const latencies = createHistogram();
  const usedBefore = process.cpuUsage();
  const began = performance.now();
  let requests = 0;
  const keepOn = async (client: Client) => {
    while (requests < count && performance.now() - began < ms) {
      requests++;
      const sent = process.hrtime.bigint();
      await exchange(client, next());
      latencies.record(process.hrtime.bigint() - sent);
    }
  };
  await Promise.all(clients.map(keepOn));
  const seconds = (performance.now() - began) / 1000;
  const used = process.cpuUsage(usedBefore);
  await Promise.all(clients.map((client) => client.close()));
  const at = (percentile: number) => latencies.percentile(percentile) / 1e6;
  const busy = (used.user + used.system) / 1e6 / seconds;
  return { requests, seconds, p50: at(50), p99: at(99), busy };
}

interface LoadOptions {
  connections: number;
  ms?: number;
  count?: number;
}

/** Resolves when the whole answer was read; its body is not kept. */
function exchange(client: Client, { status, headers = {}, body = '', ...shot }: Shot): Promise<void> {
  return new Promise((resolve, reject) => {
    let answered = 0;
    client.dispatch(
      { ...shot, method: shot.method as 'GET', headers, body: body === '' ? null : body },
      {
        onRequestStart() {},
        onResponseStart(_controller, statusCode) {
          answered = statusCode;
        },
        onResponseData() {},
        onResponseEnd() {
          if (answered === status) resolve();
          else reject(new Error(`${shot.method} ${shot.path} answered ${answered}, not ${status}`));
        },
        onResponseError(_controller, error) {
          reject(error);
        },
      },
    );
  });
}
