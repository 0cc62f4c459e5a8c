// A submit's form: text fields into memory, its image on the way to R2 while the form is read. Nothing lies in R2 before
// the upload is finished, which is for whoever has checked all fields.
import { Digest } from '../pure/digest.js';
import { imageType, MAGIC_BYTES } from '../pure/image-type.js';
import { chunksOf, joined } from '../streams.js';
import { inputKey } from '../videos.js';
import { invalidRequest, payloadTooLarge, unsupportedMediaType } from './errors.js';
import { FormError, pieces, textOf } from './multipart.js';
import { Upload } from './upload.js';

const MAX_TEXT_BYTES = 64 * 1024;
const MAX_IMAGE_BYTES = 20 * 1024 * 1024;
export const MAX_BODY_BYTES = MAX_IMAGE_BYTES + 2 * 64 * 1024;
const MAX_PARTS = 32;
const IMAGE_FIELD = 'inputImageFirst';

export const imageTooLarge = () =>
  payloadTooLarge(`${IMAGE_FIELD} is larger than ${MAX_IMAGE_BYTES} bytes (20 MiB)`);

export class ImageForm {
  /** Names and values, a file's being `{ content_type, size }`. */
  fields = [];
  /** The image's SHA-256 in hex. */
  imageDigest;
  #bucket;
  #key;
  #upload;
  #digest;
  #image;

  static async receive(body, boundary, env, id) {
    const form = new ImageForm();
    form.#bucket = env.VIDEOS;
    form.#key = inputKey(id);
    try {
      await form.#read(body, boundary);
      form.imageDigest = await form.#digest?.finish();
    } catch (error) {
      await form.discard();
      throw error instanceof FormError ? invalidRequest(error.message) : error;
    }
    return form;
  }

  async store() {
    await this.#upload?.finish();
  }

  async discard() {
    await this.#upload?.abort();
  }

  async #read(body, boundary) {
    let open;
    let [parts, textBytes] = [0, 0];
    for await (const { part, data, end } of pieces(bounded(chunksOf(body)), boundary)) {
      if (part) {
        if (++parts > MAX_PARTS) throw invalidRequest(`the form has more than ${MAX_PARTS} parts`);
        open = { ...part, chunks: [], length: 0, isImage: part.name === IMAGE_FIELD && !this.#image };
      } else if (end) {
        this.#end(open);
      } else if (open.filename === undefined) {
        textBytes += data.length;
        if (textBytes > MAX_TEXT_BYTES) {
          throw payloadTooLarge(`the text fields are longer than ${MAX_TEXT_BYTES} bytes together`);
        }
        hold(open, data);
      } else if (open.isImage) {
        await this.#receive(open, data);
      }
    }
  }

  async #receive(open, data) {
    let bytes = data;
    if (!open.content_type) {
      hold(open, data);
      if (open.length < MAGIC_BYTES) return;
      bytes = joined(open.chunks, open.length);
      open.content_type = imageType(bytes);
      if (!open.content_type) throw notAnImage();
      this.#image = { content_type: open.content_type, size: 0 };
      this.#upload = new Upload(this.#bucket, this.#key, open.content_type);
      this.#digest = new Digest();
    }
    this.#image.size += bytes.length;
    if (this.#image.size > MAX_IMAGE_BYTES) throw imageTooLarge();
    await this.#digest.write(bytes);
    await this.#upload.write(bytes);
  }

  #end({ name, filename, isImage, content_type, chunks, length }) {
    if (filename === undefined) {
      const text = textOf(joined(chunks, length));
      if (text === undefined) throw invalidRequest(`field ${JSON.stringify(name)} is not UTF-8 text`);
      this.fields.push([name, text]);
    } else if (!isImage) {
      this.fields.push([name, { content_type: 'image/png', size: 0 }]);
    } else if (content_type) {
      this.fields.push([name, this.#image]);
    } else if (filename === '' && length === 0) {
      this.fields.push([name, null]);
    } else {
      throw notAnImage();
    }
  }
}

const notAnImage = () =>
  unsupportedMediaType(`${IMAGE_FIELD} must be a JPEG, PNG or WebP image by its bytes`);

function hold(open, data) {
  open.chunks.push(data);
  open.length += data.length;
}

async function* bounded(chunks) {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw imageTooLarge();
    yield chunk;
  }
}
