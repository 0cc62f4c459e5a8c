export type Video = import('./client.js').Video;
export type VideoModel = Parameters<typeof import('ai').experimental_generateVideo>[0]['model'];
export type VideoModelV4 = Extract<VideoModel, {
    specificationVersion: 'v4';
}>;
export type CallOptions = Parameters<NonNullable<VideoModelV4['doGenerate']>>[0];
export type GenerateResult = Awaited<ReturnType<NonNullable<VideoModelV4['doGenerate']>>>;
export type StartResult = Awaited<ReturnType<NonNullable<VideoModelV4['doStart']>>>;
export type StatusOptions = Parameters<NonNullable<VideoModelV4['doStatus']>>[0];
export type StatusResult = Awaited<ReturnType<NonNullable<VideoModelV4['doStatus']>>>;
export type Warning = GenerateResult['warnings'][number];
export type HailuoSettings = {
    /**
     * where the Worker is, such as `https://videos.example.com`
     */
    baseURL?: string | undefined;
    /**
     * a client token, when the Worker wants one
     */
    token?: string | undefined;
    /**
     * of every request
     */
    headers?: Record<string, string | undefined> | undefined;
    /**
     * in place of the global one
     */
    fetch?: typeof fetch | undefined;
};
export type HailuoVideoOptions = {
    /**
     * default true
     */
    promptOptimizer?: boolean;
    /**
     * by its name, such as `1080P`
     */
    resolution?: string;
    /**
     * your own, stored with the video
     */
    metadata?: Record<string, string>;
};
export type HailuoProvider = {
    specificationVersion: 'v4';
    /**
     * a model by its name in `GET /v1/models`, such as `hailuo-2.3`
     */
    video: (modelId: string) => VideoModelV4;
    /**
     * the same, as the SDK's registry of providers calls it
     */
    videoModel: (modelId: string) => VideoModelV4;
    languageModel: (modelId: string) => never;
    embeddingModel: (modelId: string) => never;
    imageModel: (modelId: string) => never;
};
/** @param {HailuoSettings} [settings] @returns {HailuoProvider} */
export declare function createHailuo(settings?: HailuoSettings): HailuoProvider;
