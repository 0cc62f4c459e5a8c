export type Status = 'queued' | 'in_progress' | 'completed' | 'failed' | 'cancelled';
export type Video = {
    id: string;
    model: string;
    status: Status;
    stage: string;
    /**
     * from 1, while it waits in line
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
        cancel: string;
    };
};
export type VideoRequest = {
    /**
     * 1 to 2,000 characters
     */
    prompt: string;
    /**
     * a name of `GET /v1/models`, where the Worker offers several
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
     * JPEG, PNG or WebP, 20 MiB at most; or else
     */
    inputImageFirst?: Blob | null | undefined;
    /**
     * an https link
     */
    inputImageFirstUrl?: string | null | undefined;
    /**
     * the last frame, where the model has one; or else
     */
    inputImageLast?: Blob | null | undefined;
    /**
     * an https link
     */
    inputImageLastUrl?: string | null | undefined;
    /**
     * your own, returned with the Video
     */
    metadata?: Record<string, string> | null | undefined;
};
export type Options = {
    /**
     * where the Worker is, such as `https://videos.example.com`; default: where this file was loaded from
     */
    base?: string | undefined;
    /**
     * a client token, when the Worker wants one
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
 * What the Worker answered (`code`, `errors` and so on as in its problem+json), `unreachable`, or how a video failed. A success
 * whose body is not what was asked for is 502 `upstream_error`: something else answered in the Worker's place.
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
    /** The key that `submit` sent: with the same one it never makes a second video. @type {string | undefined} */
    key: string | undefined;
    /** The video that `run` waited for: `watch` can go on with it. @type {Video | undefined} */
    video: Video | undefined;
    /**
     * @param {number} status  0 when nothing was answered
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
    /** Nobody knows whether the request arrived. */
    get isUnclear(): boolean;
}
/** A key for one video, however often it is sent. */
export declare function newKey(): string;
/**
 * Asks for a video. A lost connection is tried again with the same key, which never makes a second video.
 * @param {VideoRequest} request @param {SubmitOptions} [options] @returns {Promise<Video>}
 */
export declare function submit(request: VideoRequest, options?: SubmitOptions): Promise<Video>;
/**
 * Asks for a video and waits until it is completed. If it fails or is cancelled, throws a VideoError that has the `video`.
 * @param {VideoRequest} request
 * @param {SubmitOptions & { onEvent?: (event: WatchEvent) => void }} [options]  `onEvent` gets what `watch` would tell
 * @returns {Promise<Video>}
 */
export declare function run(request: VideoRequest, { onEvent, ...options }?: SubmitOptions & {
    onEvent?: (event: WatchEvent) => void;
}): Promise<Video>;
export { run as subscribe };
/**
 * How a video stands, from now until it has ended: the last event is its final Video. Cut connections are resumed where
 * they were; where streams do not get through, the Worker is asked instead.
 * @param {string | { id: string }} video
 * @param {Options & { lastEventId?: string }} [options]  `lastEventId`: of the last event that was seen already
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
/** Stops a video that is being made. @param {string | { id: string }} video @param {Options} [options] @returns {Promise<Video>} */
export declare function cancel(video: string | {
    id: string;
}, options?: Options): Promise<Video>;
/** Removes a video, its first frame and its record, for good. @param {string | { id: string }} video @param {Options} [options] */
export declare function remove(video: string | {
    id: string;
}, options?: Options): Promise<void>;
/**
 * The caller's own videos, newest first; needs a token. `after` is the `last_id` of the page before.
 * @param {Options & { limit?: number, after?: string | null }} [options]
 * @returns {Promise<{ data: Video[], last_id: string | null, has_more: boolean }>}
 */
export declare function list({ limit, after, ...options }?: Options & {
    limit?: number;
    after?: string | null;
}): Promise<{
    data: Video[];
    last_id: string | null;
    has_more: boolean;
}>;
/**
 * Uploads a picture once; its `url` can be the `inputImageFirstUrl` of many videos. It is public: whoever knows it sees the
 * picture, with what the camera wrote into the file, such as the place.
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
 * What the caller has spent today, and may spend, in US dollars; needs a token.
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
/** Whether a value has the fields of a Video, so that it may be kept and shown. @param {any} value @returns {value is Video} */
export declare function isVideo(value: any): value is Video;
/** @param {Video} video */
export declare function isFinal({ status }: Video): boolean;
