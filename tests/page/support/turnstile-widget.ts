// A stand-in for Cloudflare's Turnstile script and its frame. Its tokens come from the stand-in for Wiro, for the page
// that contains the widget.
import type { BrowserContext } from 'playwright-core';
import type { Sim } from '../../../sim/index.ts';

export const CHALLENGES = 'https://challenges.cloudflare.com/';

/** The outcome of a challenge: passed at once, failed, or passed after the box was ticked. */
export type Outcome = 'pass' | 'fail' | 'ask';

export interface Widget {
  /** Outcomes of the next challenges; later ones pass. */
  outcomes: Outcome[];
  /** The options with which each challenge was rendered. */
  rendered: { sitekey: string; action: string }[];
}

export async function serveWidget(context: BrowserContext, sim: Sim): Promise<Widget> {
  const widget: Widget = { outcomes: [], rendered: [] };
  await context.exposeBinding('begin', (_source, sitekey: string, action: string) => {
    widget.rendered.push({ sitekey, action });
    return widget.outcomes.shift() ?? 'pass';
  });
  await context.exposeBinding('solve', ({ frame }, action: string) =>
    sim.solve({ hostname: new URL(frame.url()).hostname, action }),
  );
  await context.route(`${CHALLENGES}turnstile/v0/api.js?render=explicit`, (route) =>
    route.fulfill({ contentType: 'text/javascript', body: `(${script})('${CHALLENGES}box')` }),
  );
  await context.route(`${CHALLENGES}box`, (route) => route.fulfill({ contentType: 'text/html', body: BOX }));
  return widget;
}

const BOX = `<!doctype html><html lang="en"><title>Turnstile</title><main><h1>Turnstile</h1>
  <label><input type="checkbox" onclick="parent.postMessage('ticked', '*')"> I am human</label></main></html>`;

/** Runs in the browser, so it cannot use anything of this module. */
function script(box: string): void {
  interface Parameters {
    sitekey: string;
    action: string;
    execution: string;
    callback: (token: string) => void;
    'error-callback': (code: string) => boolean;
    'before-interactive-callback': () => void;
    'after-interactive-callback': () => void;
  }
  const { begin, solve } = globalThis as unknown as {
    begin: (sitekey: string, action: string) => Promise<string>;
    solve: (action: string) => Promise<string>;
  };
  let place: Element;
  let parameters: Parameters;
  let isExecuted = false;
  const turnstile = {
    render(container: string, given: Parameters) {
      const found = document.querySelector(container);
      if (!found || given.execution !== 'execute') throw new Error('not as this test has it');
      [place, parameters] = [found, given];
      return 'widget-1';
    },
    reset() {
      isExecuted = false;
      place.replaceChildren();
    },
    async execute() {
      if (isExecuted) throw new Error('executed twice without a reset');
      isExecuted = true;
      const { sitekey, action } = parameters;
      const outcome = await begin(sitekey, action);
      if (outcome === 'fail') return parameters['error-callback']('300030');
      if (outcome === 'ask') {
        parameters['before-interactive-callback']();
        const frame = Object.assign(document.createElement('iframe'), { src: box, title: 'Box to tick' });
        place.replaceChildren(frame);
        await new Promise((resolve) =>
          addEventListener('message', ({ data }) => data === 'ticked' && resolve(0)),
        );
        parameters['after-interactive-callback']();
      }
      parameters.callback(await solve(action));
    },
  };
  Object.assign(globalThis, { turnstile });
}
