export type Status = 'queued' | 'in_progress' | 'completed' | 'failed' | 'cancelled';
export type Video = {
    id: string;
    model: string;
    status: Status;
    stage: string;
    /**
     * counted from 1; null unless it is queued
     */
    queue_position: number | null;
    /**
     * 0 to 100, never falls
     */
    progress: number;
    progress_source: 'upstream' | 'estimate' | 'none';
    /**
     * unix seconds, like the other times
     */
    created_at: number;
    started_at: number | null;
    completed_at: number | null;
    expires_at: number | null;
    input: {
        prompt: string;
        promptOptimizer: boolean;
        resolution: string;
        duration: number;
        inputImageFirst: {
            content_type: string;
            size: number;
        } | null;
        inputImageFirstUrl: string | null;
        inputImageLast?: {
            content_type: string;
            size: number;
        };
        inputImageLastUrl?: string;
    };
    output: {
        content_type: string;
        size: number;
        sha256: string;
        etag: string;
        width?: number;
        height?: number;
        duration_seconds?: number;
        fps?: number;
    } | null;
    cost_usd: string | null;
    error: {
        code: string;
        message: string;
    } | null;
    metadata?: Record<string, string>;
    /**
     * codes, such as `first_frame_ignored`
     */
    warnings?: string[];
    urls: {
        self: string;
        events: string;
        content: string | null;
        download?: string | null;
        thumbnail?: string | null;
        cancel: string;
    };
};
export type VideoRequest = {
    /**
     * 1 to 2,000 characters
     */
    prompt: string;
    /**
     * a name of `GET /v1/models`, if the Worker offers several
     */
    model?: string | null | undefined;
    /**
     * default true
     */
    promptOptimizer?: boolean | null | undefined;
    /**
     * default 768P; or 1080P
     */
    resolution?: string | null | undefined;
    /**
     * in seconds, default 6; or 10, with 768P only
     */
    duration?: number | null | undefined;
    /**
     * JPEG, PNG or WebP, at most 20 MiB; or instead
     */
    inputImageFirst?: Blob | null | undefined;
    /**
     * an https URL
     */
    inputImageFirstUrl?: string | null | undefined;
    /**
     * the last frame, if the model has one; or instead
     */
    inputImageLast?: Blob | null | undefined;
    /**
     * an https URL
     */
    inputImageLastUrl?: string | null | undefined;
    /**
     * your own data, returned with the Video
     */
    metadata?: Record<string, string> | null | undefined;
    /**
     * an https URL that receives the end of the video; signed
     */
    callback_url?: string | null | undefined;
};
export type Options = {
    /**
     * the URL of the Worker, such as `https://videos.example.com`; default: the origin of this file
     */
    base?: string | undefined;
    /**
     * a client token, if the Worker requires one
     */
    token?: string | undefined;
    signal?: AbortSignal | undefined;
};
export type Challenge = string | (() => Promise<string | undefined>);
export type SubmitOptions = Options & {
    key?: string;
    patienceMs?: number;
    onRetry?: () => void;
    challenge?: Challenge;
};
export type Connection = 'live' | 'polling' | 'reconnecting' | 'offline';
export type WatchEvent = {
    type: 'video';
    video: Video;
    id?: string;
} | {
    type: 'connection';
    state: Connection;
} | {
    type: 'log';
    stream: 'stdout' | 'stderr';
    text: string;
    id: string;
};
/**
 * An error response of the Worker (`code`, `errors` and so on as in its problem+json), `unreachable`, or the failure of a
 * video. A success with an unexpected body is 502 `upstream_error`: it came from something other than the Worker.
 */
export declare class VideoError extends Error {
    status: number;
    code: string;
    errors: {
        field: string;
        message: string;
    }[];
    requestId: string | undefined;
    retryAfter: number | undefined;
    /** The key that `submit` sent. Sending it again never makes a second video. @type {string | undefined} */
    key: string | undefined;
    /** The video that `run` waited for. `watch` can continue with it. @type {Video | undefined} */
    video: Video | undefined;
    /**
     * @param {number} status  0 without a response
     * @param {{ code?: string | undefined, detail?: string | undefined, request_id?: string | undefined,
     *   errors?: { field: string, message: string }[] }} problem
     * @param {{ retryAfter?: number | undefined, cause?: unknown }} [more]  `retryAfter` in seconds
     */
    constructor(status: number, problem: {
        code?: string | undefined;
        detail?: string | undefined;
        request_id?: string | undefined;
        errors?: {
            field: string;
            message: string;
        }[];
    }, { retryAfter, cause }?: {
        retryAfter?: number | undefined;
        cause?: unknown;
    });
    /** Whether it is unknown if the request was executed. */
    get isUnclear(): boolean;
}
/** A new idempotency key. All requests with it are for one video. */
export declare function newKey(): string;
/**
 * Submits a video. After a lost connection the request is sent again with the same key, which never makes a second video.
 * @param {VideoRequest} request @param {SubmitOptions} [options] @returns {Promise<Video>}
 */
export declare function submit(request: VideoRequest, options?: SubmitOptions): Promise<Video>;
/**
 * Submits a video and waits until it is completed. If it fails or is cancelled, throws a VideoError with the `video`.
 * @param {VideoRequest} request
 * @param {SubmitOptions & { onEvent?: (event: WatchEvent) => void }} [options]  `onEvent` gets the events of `watch`
 * @returns {Promise<Video>}
 */
export declare function run(request: VideoRequest, { onEvent, ...options }?: SubmitOptions & {
    onEvent?: (event: WatchEvent) => void;
}): Promise<Video>;
export { run as subscribe };
/**
 * The events of a video until it has ended; the last event is its final Video. Interrupted streams are resumed. If streams
 * do not work, the Worker is polled.
 * @param {string | { id: string }} video
 * @param {Options & { lastEventId?: string }} [options]  `lastEventId`: the id of the last event that was received
 * @returns {AsyncGenerator<WatchEvent>}
 */
export declare function watch(video: string | {
    id: string;
}, { lastEventId, ...options }?: Options & {
    lastEventId?: string;
}): AsyncGenerator<WatchEvent>;
/** @param {string | { id: string }} video @param {Options} [options] @returns {Promise<Video>} */
export declare function get(video: string | {
    id: string;
}, options?: Options): Promise<Video>;
/** Cancels a video. @param {string | { id: string }} video @param {Options} [options] @returns {Promise<Video>} */
export declare function cancel(video: string | {
    id: string;
}, options?: Options): Promise<Video>;
/** Deletes a video, its images and its record. @param {string | { id: string }} video @param {Options} [options] */
export declare function remove(video: string | {
    id: string;
}, options?: Options): Promise<void>;
/**
 * The caller's own videos, newest first; needs a token. `after` is the `last_id` of the previous page; the others select
 * videos: `created_after` in unix seconds.
 * @param {Options & { limit?: number, after?: string | null, status?: Status | null, model?: string | null,
 *   created_after?: number | null }} [options]
 * @returns {Promise<{ data: Video[], last_id: string | null, has_more: boolean }>}
 */
export declare function list({ limit, after, status, model, created_after, ...options }?: Options & {
    limit?: number;
    after?: string | null;
    status?: Status | null;
    model?: string | null;
    created_after?: number | null;
}): Promise<{
    data: Video[];
    last_id: string | null;
    has_more: boolean;
}>;
/**
 * Uploads an image once; its `url` can be the `inputImageFirstUrl` of many videos. The URL is public: anyone who knows it can
 * see the image and its metadata, such as the location.
 * @param {Blob} file @param {Options & { challenge?: Challenge }} [options]
 * @returns {Promise<{ id: string, filename: string, bytes: number, content_type: string, url: string }>}
 */
export declare function upload(file: Blob, { challenge, ...options }?: Options & {
    challenge?: Challenge;
}): Promise<{
    id: string;
    filename: string;
    bytes: number;
    content_type: string;
    url: string;
}>;
/**
 * What the caller has spent today, and its limit, in US dollars; needs a token.
 * @param {Options} [options]
 * @returns {Promise<{ spent_usd: string, reserved_usd: string, limit_usd: string | null, resets_at: number }>}
 */
export declare function usage(options?: Options): Promise<{
    spent_usd: string;
    reserved_usd: string;
    limit_usd: string | null;
    resets_at: number;
}>;
/** Whether a value can be the id of a video. @param {unknown} value @returns {value is string} */
export declare function isId(value: unknown): value is string;
/** Whether a value has the fields of a Video. @param {any} value @returns {value is Video} */
export declare function isVideo(value: any): value is Video;
/** @param {Video} video */
export declare function isFinal({ status }: Video): boolean;
