// R2: the keys of videos and first frames.

export const VIDEO_CONTENT_TYPE = 'video/mp4';

export const videoKey = (id) => `videos/${id}/0.mp4`;
export const inputKey = (id) => `inputs/${id}`;
