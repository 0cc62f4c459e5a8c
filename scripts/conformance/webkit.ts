// WebKitGTK's MiniBrowser on a virtual display, by WebDriver.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { freePort } from '../shared/worker-process.ts';
import { eventually, type RemoteBrowser } from './remote-browser.ts';

const DRIVER = '/usr/bin/WebKitWebDriver';
const DISPLAY = '/usr/bin/Xvfb';
const LIBRARIES = '/usr/lib';
const START_TIMEOUT_MS = 30_000;

/** An element's id in WebDriver's JSON. */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

/** The path of the browser, where all that it needs is installed. */
export function findWebKit(): string | undefined {
  if (![DRIVER, DISPLAY].every(existsSync)) return undefined;
  const folders = readdirSync(LIBRARIES).map((triplet) =>
    join(LIBRARIES, triplet, 'webkit2gtk-4.1/MiniBrowser'),
  );
  return folders.find(existsSync);
}

export async function startWebKit(binary: string): Promise<RemoteBrowser> {
  const display = spawn(DISPLAY, ['-displayfd', '3', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const port = await freePort();
  const env = { ...process.env, DISPLAY: `:${await firstLine(display.stdio[3] as Readable)}` };
  const driver = spawn(DRIVER, [`--port=${port}`, '--host=127.0.0.1'], { env, stdio: 'ignore' });
  const stop = async () => {
    await end(driver);
    await end(display);
  };
  try {
    const origin = `http://127.0.0.1:${port}`;
    const capabilities = {
      alwaysMatch: { 'webkitgtk:browserOptions': { binary, args: ['--automation'] } },
    };
    const { sessionId, capabilities: granted } = await eventually('a session', START_TIMEOUT_MS, () =>
      ask(origin, 'POST', '/session', { capabilities }),
    );
    const session = new Session(`${origin}/session/${sessionId}`);
    return {
      name: `WebKitGTK ${granted.browserVersion}`,
      open: (url) => session.post('/url', { url }),
      click: (selector) => session.act(selector, 'click', {}),
      type: (selector, text) => session.act(selector, 'value', { text }),
      evaluate: (expression) => session.evaluate(expression),
      close: async () => {
        await ask(origin, 'DELETE', `/session/${sessionId}`);
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

class Session {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  // biome-ignore lint/suspicious/noExplicitAny: the results of many commands
  post(path: string, body: object): Promise<any> {
    return ask(this.#url, 'POST', path, body);
  }

  async act(selector: string, action: string, body: object): Promise<void> {
    const element = await this.post('/element', { using: 'css selector', value: selector });
    await this.post(`/element/${element[ELEMENT]}/${action}`, body);
  }

  async evaluate<T>(expression: string): Promise<T> {
    const script = `const done = arguments[0];
      (async () => (await (${expression})) ?? null)().then((value) => done({ value }), (error) => done({ error: String(error) }));`;
    const { value, error } = await this.post('/execute/async', { script, args: [] });
    if (error) throw new Error(error);
    return value;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the results of many commands
async function ask(url: string, method: string, path: string, body?: object): Promise<any> {
  const request = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const { value } = await (await fetch(`${url}${path}`, request)).json();
  if (value?.error) throw new Error(`${value.error}: ${value.message}`);
  return value;
}

async function firstLine(input: Readable): Promise<string> {
  for await (const line of createInterface({ input })) return line;
  throw new Error('there is no display');
}

async function end(child: ChildProcess): Promise<void> {
  const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
  child.kill();
  await ended;
}
