// The frame around Cloudflare's widget. It has its own Content-Security-Policy, so that the page itself can forbid foreign
// scripts. The page requests a token by a message; the frame answers with a token or a problem.

/** The action that the Worker expects. */
const ACTION = 'submit';

/** @type {any} */
const turnstile = Reflect.get(globalThis, 'turnstile');

const widget = render();
let isUsed = false;
addEventListener('message', ({ origin, source, data }) => {
  if (origin !== location.origin || source !== parent || data !== 'solve') return;
  // Each token is valid once.
  if (isUsed) turnstile.reset(widget);
  isUsed = true;
  turnstile.execute(widget);
});

// The widget is missing if its script is blocked.
post(widget === undefined ? { problem: 'unavailable' } : { ready: true });

/** @returns {string | undefined} */
function render() {
  return turnstile?.render('#widget', {
    sitekey: decodeURIComponent(location.hash.slice(1)),
    action: ACTION,
    execution: 'execute',
    // Most users do not see the widget.
    appearance: 'interaction-only',
    // One request gets one answer.
    retry: 'never',
    'refresh-expired': 'never',
    'refresh-timeout': 'never',
    'response-field': false,
    callback: (/** @type {string} */ token) => post({ token }),
    'before-interactive-callback': () => post({ asks: true }),
    'after-interactive-callback': () => post({ asks: false }),
    'timeout-callback': () => post({ problem: 'timeout' }),
    'unsupported-callback': () => post({ problem: 'unsupported' }),
    'error-callback': (/** @type {unknown} */ code) => {
      post({ problem: `${code}` });
      return true;
    },
  });
}

/** @param {{ ready: true } | { asks: boolean } | { token: string } | { problem: string }} message */
function post(message) {
  parent.postMessage(message, location.origin);
}
