// The document around Cloudflare's widget, in a frame of the page and under a policy of its own, so that the page itself
// runs nothing but its own files. It is asked for a token by a message, and answers with one, or with what went wrong.

/** As the Worker wants it. */
const ACTION = 'submit';

/** @type {any} */
const turnstile = Reflect.get(globalThis, 'turnstile');

const widget = render();
let isUsed = false;
addEventListener('message', ({ origin, source, data }) => {
  if (origin !== location.origin || source !== parent || data !== 'solve') return;
  // Tokens are good once.
  if (isUsed) turnstile.reset(widget);
  isUsed = true;
  turnstile.execute(widget);
});

// Without the script, which may be blocked, there is none.
tell(widget === undefined ? { problem: 'unavailable' } : { ready: true });

/** @returns {string | undefined} */
function render() {
  return turnstile?.render('#widget', {
    sitekey: decodeURIComponent(location.hash.slice(1)),
    action: ACTION,
    execution: 'execute',
    // Most visitors never see it.
    appearance: 'interaction-only',
    // Whoever asks wants one answer.
    retry: 'never',
    'refresh-expired': 'never',
    'refresh-timeout': 'never',
    'response-field': false,
    callback: (/** @type {string} */ token) => tell({ token }),
    'before-interactive-callback': () => tell({ asks: true }),
    'after-interactive-callback': () => tell({ asks: false }),
    'timeout-callback': () => tell({ problem: 'timeout' }),
    'unsupported-callback': () => tell({ problem: 'unsupported' }),
    'error-callback': (/** @type {unknown} */ code) => {
      tell({ problem: `${code}` });
      return true;
    },
  });
}

/** @param {{ ready: true } | { asks: boolean } | { token: string } | { problem: string }} message */
function tell(message) {
  parent.postMessage(message, location.origin);
}
