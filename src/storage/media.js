// The JavaScript half of media.rs: the options of a transformation are objects.

/** The longest side of a frame in pixels. */
const MAX_SIDE = 960;

/**
 * A promise of a response with a JPEG of the frame at this time.
 * @param media the binding of Media Transformations
 * @param {ReadableStream<Uint8Array>} video
 * @param {string} time such as `1s`
 */
export async function frame(media, video, time) {
  const size = { width: MAX_SIDE, height: MAX_SIDE, fit: 'scale-down' };
  // Only the response is awaited: calls on results that are not there yet need no round trip of their own.
  const input = media.input(video);
  const resized = input.transform(size);
  const output = resized.output({ mode: 'frame', time, format: 'jpg' });
  try {
    return await output.response();
  } finally {
    // Otherwise the caller's object stays in memory until they are collected as garbage.
    for (const result of [output, resized, input]) result[Symbol.dispose]?.();
  }
}
