// The public types, written from the documentation and not from the Worker's code.

export interface Video {
  id: string;
  object: 'video';
  model: string;
  status: 'queued' | 'in_progress' | 'completed' | 'failed' | 'cancelled';
  stage: string;
  queue_position: number | null;
  progress: number;
  progress_source: 'upstream' | 'estimate' | 'none';
  created_at: number;
  started_at: number | null;
  completed_at: number | null;
  expires_at: number | null;
  input: {
    prompt: string;
    promptOptimizer: boolean;
    resolution: '768P' | '1080P';
    duration: 6 | 10;
    inputImageFirst: { content_type: string; size: number } | null;
    inputImageFirstUrl: string | null;
    inputImageLast?: { content_type: string; size: number };
    inputImageLastUrl?: string;
  };
  output: Output | null;
  cost_usd: string | null;
  error: { code: string; message: string } | null;
  warnings: string[];
  prompt: string;
  seconds: string | null;
  size: string | null;
  remixed_from_video_id: null;
  metadata: Record<string, string>;
  urls: {
    self: string;
    events: string;
    content: string | null;
    download: string | null;
    thumbnail: string | null;
    cancel: string;
  };
}

export interface Output {
  content_type: string;
  size: number;
  sha256: string;
  etag: string;
  width?: number;
  height?: number;
  duration_seconds?: number;
  fps?: number;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  request_id: string;
  errors: { field: string; message: string }[];
  /** The same in the format of OpenAI's API. */
  error: { message: string; type: string; param: string | null; code: string };
}

export interface List {
  object: 'list';
  data: Video[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}
