// A checked Run, from which a task is made.
import type { Model } from './models.ts';
import type { Frame } from './parameters.ts';

export interface Image {
  sha256: string;
  size: number;
  /** Detected from the bytes, not from the part's header. */
  contentType: string;
}

/** An image as the model uses it. */
export type Picture = { file: Image; filename: string } | { url: string };

export type Pictures = Partial<Record<Frame, Picture>>;

export interface Order {
  model: Model;
  prompt: string;
  callbackUrl: string;
  projectId: string | null;
  /** Every text field as sent. */
  fields: Record<string, string>;
  pictures: Pictures;
  /** The parameters that the model knows, by id, without the files in `pictures`. */
  understood: Record<string, unknown>;
}
