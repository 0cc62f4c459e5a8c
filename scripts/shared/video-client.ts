// A minimal client of the public API.

/** The parts of the Video that are looked at here. */
export interface Video {
  id: string;
  status: 'queued' | 'in_progress' | 'completed' | 'failed' | 'cancelled';
  stage: string;
  progress: number;
  created_at: number;
  output: { content_type: string; size: number; sha256: string; etag: string } | null;
  cost_usd: string | null;
  error: { code: string; message: string } | null;
  urls: { self: string; content: string };
}

const LOOK_EVERY_MS = 100;

/** Sends an object as JSON, and a form as a form. */
export async function submit(origin: string, body: FormData | object): Promise<Video> {
  const isForm = body instanceof FormData;
  const response = await fetch(`${origin}/v1/videos`, {
    method: 'POST',
    body: isForm ? body : JSON.stringify(body),
    ...(isForm ? {} : { headers: { 'content-type': 'application/json' } }),
  });
  return read(response, 202);
}

/** Returns the Video when it has ended; `onLook` gets the Video of each poll. */
export async function ended(video: Video, withinMs: number, onLook: (video: Video) => void): Promise<Video> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const now = await read(await fetch(video.urls.self), 200);
    onLook(now);
    if (now.status !== 'queued' && now.status !== 'in_progress') return now;
    if (performance.now() > deadline) {
      throw new Error(`the video is still at ${now.stage} after ${withinMs / 1000} seconds`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

async function read(response: Response, status: number): Promise<Video> {
  const text = await response.text();
  if (response.status !== status) {
    throw new Error(`${new URL(response.url).pathname} answered ${response.status}: ${detail(text)}`);
  }
  return JSON.parse(text);
}

/** The message of a problem document, or the start of another body. */
function detail(text: string): string {
  try {
    const problem: { detail?: string } = JSON.parse(text);
    if (problem.detail) return problem.detail;
  } catch {
    // Not JSON.
  }
  return text.slice(0, 200);
}
