// The request of the form as code that runs without changes, with URL and token.
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
  const write = language === 'agent' ? forAgents : language === 'curl' ? inCurl : inJavaScript;
  setText(byId('code'), write(request, await needsChallenge()));
  byId('code-token').hidden = !token();
  byId('code-picture').hidden = filesOf(request).length === 0 || language === 'agent';
}

/** The pictures, and what they are called in the code. @param {import('../client.js').VideoRequest} request */
function filesOf({ inputImageFirst, inputImageLast }) {
  const named = (
    /** @type {string} */ field,
    /** @type {string} */ stem,
    /** @type {Blob | null | undefined} */ picture,
  ) =>
    picture
      ? [{ field, name: `${stem}.${picture.type.replace(/^image\//, '').replace('jpeg', 'jpg')}` }]
      : [];
  return [
    ...named('inputImageFirst', 'picture', inputImageFirst),
    ...named('inputImageLast', 'last-picture', inputImageLast),
  ];
}

/** What is left when the pictures are files. @param {import('../client.js').VideoRequest} request */
const fieldsOf = ({ inputImageFirst: _, inputImageLast: __, ...fields }) => fields;

/** @param {import('../client.js').VideoRequest} request @param {boolean} isChallenged */
function inJavaScript(request, isChallenged) {
  const files = filesOf(request);
  const known = token();
  const always = known ? [`authorization: ${JSON.stringify(`Bearer ${known}`)}`] : [];
  const once = [
    "'idempotency-key': crypto.randomUUID()",
    ...(isChallenged ? ["'turnstile-token': turnstileToken"] : []),
    ...(files.length ? [] : ["'content-type': 'application/json'"]),
  ];
  const body = files.length
    ? `const body = new FormData();
for (const [name, value] of Object.entries(request)) body.set(name, value);
// In a browser: a File, such as that of an <input type="file">.
const { openAsBlob } = await import('node:fs');
${files.map(({ field, name }) => `body.set('${field}', await openAsBlob('${name}'), '${name}');`).join('\n')}`
    : 'const body = JSON.stringify(request);';
  return `const base = '${location.origin}';
const headers = {${always.length ? ` ${always} ` : ''}};
${isChallenged ? "const turnstileToken = 'TURNSTILE_TOKEN'; // of a challenge that was just solved\n" : ''}const request = ${JSON.stringify(fieldsOf(request), null, 2).replace(/^( *)"(\w+)":/gm, '$1$2:')};
${body}

let answer = await fetch(base + '/v1/videos', {
  method: 'POST',
  headers: { ...headers, ${once.join(', ')} },
  body,
});
let video = await answer.json();
while (answer.ok && ['queued', 'in_progress'].includes(video.status)) {
  console.log(video.status, video.stage, video.progress);
  answer = await fetch(base + '/v1/videos/' + video.id, { headers: { ...headers, prefer: 'wait=30' } });
  video = await answer.json();
}
if (!answer.ok) throw new Error(video.detail);
if (video.status !== 'completed') throw new Error(video.error?.message ?? video.status);
console.log(video.urls.content);`;
}

/** How to add the service to an agent. @param {import('../client.js').VideoRequest} request @param {boolean} isChallenged */
function forAgents({ prompt }, isChallenged) {
  if (isChallenged)
    return 'Agents cannot solve challenges: they need a client token, and this service has none.';
  const known = token();
  const url = `${location.origin}/mcp`;
  const server = { url, ...(known ? { headers: { Authorization: `Bearer ${known}` } } : {}) };
  return `# Claude Code
claude mcp add --transport http hailuo ${url}${known ? ` --header "Authorization: Bearer ${known}"` : ''}

# Cursor, in mcp.json
${JSON.stringify({ mcpServers: { hailuo: server } }, null, 2)}

# then ask for a video
Make a video with hailuo: ${prompt}`;
}

/** @param {import('../client.js').VideoRequest} request @param {boolean} isChallenged */
function inCurl(request, isChallenged) {
  const files = filesOf(request);
  const quoted = (/** @type {string} */ text) => `'${text.replaceAll("'", "'\\''")}'`;
  const known = token();
  const form = Object.entries(fieldsOf(request)).map(
    ([name, value]) => `--form-string ${quoted(`${name}=${value}`)}`,
  );
  const body = files.length
    ? [...form, ...files.map(({ field, name }) => `-F ${field}=@${name}`)]
    : ["-H 'content-type: application/json'", `-d ${quoted(JSON.stringify(request, null, 2))}`];
  const authorization = known ? ' -H "authorization: Bearer $TOKEN"' : '';
  const submit = [
    `curl -sS "$BASE/v1/videos"${authorization}`,
    '-H "idempotency-key: $(date +%s)-$$"',
    ...(isChallenged ? ['-H "turnstile-token: $TURNSTILE_TOKEN"'] : []),
    ...body,
  ];
  return `BASE=${quoted(location.origin)}
${known ? `TOKEN=${quoted(known)}\n` : ''}
VIDEO=$(${submit.join(' \\\n  ')})
printf '%s\\n' "$VIDEO"
ID=$(printf '%s' "$VIDEO" | grep -o 'vid_[a-z2-7]*' | head -n 1)

# until it has ended
curl -N "$BASE/v1/videos/$ID/events"${authorization}

curl -f -o video.mp4 "$BASE/v1/videos/$ID/content"${authorization}`;
}
