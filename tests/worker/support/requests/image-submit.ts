// A submit with an image in a browser's form.

import type { Service } from '../service.ts';
import { sha256 } from '../stored.ts';
import { picture } from './pictures.ts';

const image = picture('image/png', 300_000);

export const imageSha256 = sha256(image);

export function submitWithImage(service: Service, prompt: string): Promise<Response> {
  const body = new FormData();
  body.set('prompt', prompt);
  body.set('inputImageFirst', new Blob([image]), 'first.png');
  return service.fetch('/v1/videos', { method: 'POST', body });
}
