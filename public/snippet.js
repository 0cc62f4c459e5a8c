// What the form would send, as code to copy.
import { currentRequest } from './create.js';
import { byId, remark, setText } from './dom.js';
import { needsChallenge } from './human.js';
import { token } from './token.js';

const dialog = byId('code-dialog');

export function startSnippets() {
  byId('code-open').addEventListener('click', async () => {
    await show();
    dialog.showModal();
  });
  byId('code-close').addEventListener('click', () => dialog.close());
  byId('code-form').addEventListener('change', show);
  byId('code-copy').addEventListener('click', async () => {
    await navigator.clipboard?.writeText(byId('code').textContent);
    remark('The code is copied.');
  });
}

async function show() {
  const request = currentRequest();
  if (request.prompt === '') request.prompt = 'A paper boat drifts down a rainy street';
  const language = new FormData(byId('code-form')).get('language');
  const write = language === 'curl' ? inCurl : inJavaScript;
  setText(byId('code'), write(request, await needsChallenge()));
}

/** @param {import('./client.js').VideoRequest} request @param {boolean} isChallenged */
function inJavaScript({ inputImageFirst, ...request }, isChallenged) {
  const options = token() ? ', { token: TOKEN }' : '';
  const submitOptions = isChallenged ? ', { challenge: TURNSTILE_TOKEN }' : options;
  const plain = JSON.stringify(request, null, 2).replace(/^( *)"(\w+)":/gm, '$1$2:');
  const fields = inputImageFirst
    ? plain.replace(/\n}$/, ',\n  inputImageFirst: file, // a File or Blob\n}')
    : plain;
  return `import { submit, watch } from '${location.origin}/client.js';

const video = await submit(${fields}${submitOptions});

for await (const event of watch(video${options})) {
  if (event.type !== 'video') continue;
  const { status, stage, progress, urls } = event.video;
  console.log(status, stage, progress);
  if (status === 'completed') player.src = urls.content;
}`;
}

/** @param {import('./client.js').VideoRequest} request @param {boolean} isChallenged */
function inCurl({ inputImageFirst, ...request }, isChallenged) {
  const quoted = (/** @type {string} */ text) => `'${text.replaceAll("'", "'\\''")}'`;
  const form = Object.entries(request).map(([name, value]) => `--form-string ${quoted(`${name}=${value}`)}`);
  const body = inputImageFirst
    ? [...form, '-F inputImageFirst=@picture.png']
    : ["-H 'content-type: application/json'", `-d ${quoted(JSON.stringify(request, null, 2))}`];
  const authorization = token() ? ['-H "authorization: Bearer $TOKEN"'] : [];
  const challenge = isChallenged ? ['-H "turnstile-token: $TURNSTILE_TOKEN"'] : [];
  const lines = [
    `curl ${location.origin}/v1/videos`,
    ...authorization,
    ...challenge,
    '-H "idempotency-key: $(uuidgen)"',
    ...body,
  ];
  return `${lines.join(' \\\n  ')}

# then, with the id that it answers
curl -N ${location.origin}/v1/videos/ID/events
curl -o video.mp4 ${location.origin}/v1/videos/ID/content`;
}
