// Firefox without a window, by WebDriver BiDi, which it speaks itself.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { RemoteBrowser } from './remote-browser.ts';

export const FIREFOX = '/usr/bin/firefox-esr';

/** Nothing of its own is asked for on the network, and a video may play. */
const PREFERENCES: Record<string, string | number | boolean> = {
  'app.update.enabled': false,
  'app.normandy.enabled': false,
  'browser.region.network.url': '',
  'browser.safebrowsing.downloads.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.getAddons.cache.enabled': false,
  'extensions.systemAddon.update.enabled': false,
  'media.autoplay.default': 0,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,#remote-settings-dummy/v1',
  'toolkit.telemetry.enabled': false,
};

export async function startFirefox(): Promise<RemoteBrowser> {
  const profile = await mkdtemp(join(tmpdir(), 'hailuo-firefox-'));
  const preferences = Object.entries(PREFERENCES).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  await writeFile(join(profile, 'user.js'), preferences.join(''));
  const args = [
    '--headless',
    '--no-remote',
    '--profile',
    profile,
    '--remote-debugging-port',
    '0',
    'about:blank',
  ];
  const firefox = spawn(FIREFOX, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const close = async () => {
    const ended = firefox.exitCode === null ? once(firefox, 'exit') : undefined;
    firefox.kill();
    await ended;
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const bidi = await Bidi.connect(`${await listening(firefox)}/session`);
    const { capabilities } = await bidi.send('session.new', { capabilities: {} });
    const { contexts } = await bidi.send('browsingContext.getTree', {});
    const tab = new Tab(bidi, contexts[0].context);
    return {
      name: `Firefox ${capabilities.browserVersion}`,
      open: (url) => tab.open(url),
      click: (selector) => tab.click(selector),
      type: (selector, text) => tab.type(selector, text),
      evaluate: (expression) => tab.evaluate(expression),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Where it listens, as it says itself. */
async function listening({ stderr }: ChildProcess): Promise<string> {
  if (!stderr) throw new Error('Firefox has no standard error');
  for await (const line of createInterface({ input: stderr })) {
    const [, origin] = /WebDriver BiDi listening on (ws:\S+)/.exec(line) ?? [];
    if (origin) {
      // It writes more, which nobody needs.
      stderr.resume();
      return origin;
    }
  }
  throw new Error('Firefox ended before it listened');
}

class Tab {
  readonly #bidi: Bidi;
  readonly #context: string;

  constructor(bidi: Bidi, context: string) {
    this.#bidi = bidi;
    this.#context = context;
  }

  async open(url: string): Promise<void> {
    await this.#send('browsingContext.navigate', { url, wait: 'complete' });
  }

  async click(selector: string): Promise<void> {
    await this.evaluate(
      `document.querySelector(${JSON.stringify(selector)}).scrollIntoView({ block: 'center' })`,
    );
    const { nodes } = await this.#send('browsingContext.locateNodes', {
      locator: { type: 'css', value: selector },
    });
    const origin = { type: 'element', element: { sharedId: nodes[0].sharedId } };
    const press = ['pointerDown', 'pointerUp'].map((type) => ({ type, button: 0 }));
    const actions = [{ type: 'pointerMove', x: 0, y: 0, origin }, ...press];
    await this.#send('input.performActions', { actions: [{ type: 'pointer', id: 'mouse', actions }] });
  }

  async type(selector: string, text: string): Promise<void> {
    await this.click(selector);
    const actions = [...text].flatMap((value) => ['keyDown', 'keyUp'].map((type) => ({ type, value })));
    await this.#send('input.performActions', { actions: [{ type: 'key', id: 'keyboard', actions }] });
  }

  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.#bidi.send('script.evaluate', {
      expression: `(async () => JSON.stringify((await (${expression})) ?? null))()`,
      target: { context: this.#context },
      awaitPromise: true,
    });
    if (answer.type !== 'success') throw new Error(answer.exceptionDetails.text);
    return JSON.parse(answer.result.value);
  }

  #send(method: string, parameters: object) {
    return this.#bidi.send(method, { context: this.#context, ...parameters });
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the results of many commands
type Result = any;

/** Commands and their results; events are not asked for. */
class Bidi {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, PromiseWithResolvers<Result>>();
  #lastId = 0;

  static async connect(url: string): Promise<Bidi> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    return new Bidi(socket);
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#take(JSON.parse(data)));
    socket.addEventListener('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('Firefox closed the connection'));
    });
  }

  send(method: string, params: object): Promise<Result> {
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<Result>();
    this.#waiting.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params }));
    return answer.promise;
  }

  #take({ id, type, result, error, message }: Record<string, Result>): void {
    const answer = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (type === 'success') answer?.resolve(result);
    else answer?.reject(new Error(`${error}: ${message}`));
  }
}
