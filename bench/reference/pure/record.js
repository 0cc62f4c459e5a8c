// What is published of a video: the record that KV keeps and the Video that the API answers.

export const isFinal = ({ status }) =>
  status === 'completed' || status === 'failed' || status === 'cancelled';

export function newRecord(id, model, input, now) {
  return {
    version: 1,
    id,
    object: 'video',
    model,
    status: 'queued',
    stage: 'waiting',
    queue_position: null,
    progress: 0,
    progress_source: 'none',
    created_at: Math.floor(now / 1000),
    started_at: null,
    completed_at: null,
    expires_at: null,
    input,
    output: null,
    cost_usd: null,
    error: null,
    warnings: [],
  };
}

const SIZES = { '768P': '1366x768', '1080P': '1920x1080' };

/** The Video of the API as its owner sees it. */
export async function shown({ settings, origin }, owner, { version, ...record }) {
  const { prompt, duration, resolution } = record.input;
  const grants = await settings.signingKeys.grants(owner, record.id, record.created_at);
  const self = `${origin}/v1/videos/${record.id}`;
  const isThere = record.status === 'completed';
  const events = `${self}/events${grants ? `?grant=${grants.events}` : ''}`;
  const content = isThere ? `${self}/content${grants ? `?grant=${grants.content}` : ''}` : null;
  const download = isThere ? `${self}/content?${grants ? `grant=${grants.content}&` : ''}download=1` : null;
  const { width, height } = record.output ?? {};
  const size = width ? `${width}x${height}` : SIZES[resolution];
  return {
    ...record,
    ...{ metadata: {}, prompt, seconds: `${duration}`, size, remixed_from_video_id: null },
    urls: { self, events, content, download, thumbnail: null, cancel: `${self}/cancel` },
  };
}

const MAX_STEM_CHARS = 60;

const SEPARATORS =
  /(?:[\ufe00-\ufe6f]|[\0-\x2f\x3a-\x40\x5b-\x60\x7b-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\u060c\u060d\u061b-\u061f\u0964\u0965\u1680\u180e\u2000-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\ue000-\uf8ff\ufeff-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\ufff0-\uffff\u{1f000}-\u{1faff}\u{e0000}-\u{10ffff}])+/u;

/** What the video is called on its owner's disk: the first words of the prompt that are usable, or the id. */
function stemOf({ id, input }, isUsable) {
  let stem = [];
  for (const word of input.prompt.split(SEPARATORS)) {
    if (word === '' || !isUsable(word)) continue;
    const characters = [...word.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())];
    if (stem.length > 0 && stem.length + 1 + characters.length > MAX_STEM_CHARS) break;
    stem = [...stem, ...(stem.length > 0 ? ['-'] : []), ...characters.slice(0, MAX_STEM_CHARS)];
  }
  return stem.join('') || id;
}

/** In ASCII, and in the prompt's own script. */
export const fileStems = (record) => ({
  ascii: stemOf(record, (word) => /^[\0-\x7f]*$/.test(word)),
  own: stemOf(record, () => true),
});
