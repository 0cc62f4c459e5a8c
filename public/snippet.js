// What the form would send, as code to copy.
import { currentRequest } from './create.js';
import { byId, remark, setText } from './dom.js';
import { token } from './token.js';

const dialog = byId('code-dialog');

export function startSnippets() {
  byId('code-open').addEventListener('click', () => {
    show();
    dialog.showModal();
  });
  byId('code-close').addEventListener('click', () => dialog.close());
  byId('code-form').addEventListener('change', show);
  byId('code-copy').addEventListener('click', async () => {
    await navigator.clipboard?.writeText(byId('code').textContent);
    remark('The code is copied.');
  });
}

function show() {
  const request = currentRequest();
  if (request.prompt === '') request.prompt = 'A paper boat drifts down a rainy street';
  const language = new FormData(byId('code-form')).get('language');
  setText(byId('code'), language === 'curl' ? inCurl(request) : inJavaScript(request));
}

/** @param {object} request */
function inJavaScript(request) {
  const options = token() ? ', { token: TOKEN }' : '';
  const fields = JSON.stringify(request, null, 2).replace(/^( *)"(\w+)":/gm, '$1$2:');
  return `import { submit, watch } from '${location.origin}/client.js';

const video = await submit(${fields}${options});

for await (const event of watch(video${options})) {
  if (event.type !== 'video') continue;
  const { status, stage, progress, urls } = event.video;
  console.log(status, stage, progress);
  if (status === 'completed') player.src = urls.content;
}`;
}

/** @param {object} request */
function inCurl(request) {
  const json = JSON.stringify(request, null, 2).replaceAll("'", "'\\''");
  const authorization = token() ? `\n  -H "authorization: Bearer $TOKEN" \\` : '';
  return `curl ${location.origin}/v1/videos \\${authorization}
  -H 'content-type: application/json' \\
  -H "idempotency-key: $(uuidgen)" \\
  -d '${json}'

# then, with the id that it answers
curl -N ${location.origin}/v1/videos/ID/events
curl -o video.mp4 ${location.origin}/v1/videos/ID/content`;
}
