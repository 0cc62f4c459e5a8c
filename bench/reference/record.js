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
  return {
    ...record,
    ...{ metadata: {}, prompt, seconds: `${duration}`, size: SIZES[resolution], remixed_from_video_id: null },
    urls: { self, events, content, download, cancel: `${self}/cancel` },
  };
}

const MAX_STEM_CHARS = 60;

/** What the video is called on its owner's disk: the first words of the prompt as far as they are ASCII, or the id. */
export function fileStem({ id, input }) {
  let stem = '';
  for (const word of input.prompt.split(/[\0-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+/)) {
    if (word === '' || !/^[\0-\x7f]*$/.test(word)) continue;
    const longer = stem === '' ? word : `${stem}-${word}`;
    if (longer.length > MAX_STEM_CHARS) break;
    stem = longer.toLowerCase();
  }
  return stem || id;
}
