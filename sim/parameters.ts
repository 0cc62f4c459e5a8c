// The parameters of a model, as Tool/Detail describes them and as Run takes them.

/** How a model takes its pictures; Wiro has changed that twice. */
export type Generation = 'seed' | 'fileinput' | 'combined';

export type Frame = 'first' | 'last';

/** One entry of `items` in the `parameters` of Tool/Detail. */
export interface ParameterItem {
  id: string;
  type: string;
  required: boolean;
  defaultvalue: string;
  options: { value: string; text: string }[];
  label: string;
  note?: string;
}

/** The parameter that takes one of the two frames. */
export interface PictureParameter {
  frame: Frame;
  id: string;
  /** Where a URL goes, when it does not go under the id. */
  urlId?: string;
  label: string;
  required: boolean;
}

const PICTURE_IDS: Record<Generation, Record<Frame, string>> = {
  // Guess: no model of this generation is known that has a last frame.
  seed: { first: 'inputImageFirst', last: 'inputImageLast' },
  fileinput: { first: 'inputImage', last: 'inputImage2' },
  combined: { first: 'inputImage', last: 'inputImageLast' },
};

export function pictureParameter(generation: Generation, frame: Frame, required: boolean): PictureParameter {
  const id = PICTURE_IDS[generation][frame];
  const label = frame === 'first' ? 'First Frame' : 'Last Frame';
  const parameter = { frame, id, label, required };
  return generation === 'combined' ? parameter : { ...parameter, urlId: `${id}Url` };
}

/** The items by which Tool/Detail describes a picture. */
export function pictureItems(
  generation: Generation,
  { id, urlId, label, required }: PictureParameter,
): ParameterItem[] {
  if (generation === 'combined') return [item(id, 'combinefileinput', label, required)];
  const file = item(id, 'fileinput', label, required);
  const isSeed = generation === 'seed' && urlId !== undefined;
  return isSeed ? [file, item(urlId, 'text', `${label} URL`, false)] : [file];
}

export function item(id: string, type: string, label: string, required: boolean): ParameterItem {
  return { id, type, required, defaultvalue: '', options: [], label, note: '' };
}

export function select(id: string, values: string[], defaultvalue: string): ParameterItem {
  const options = values.map((value) => ({ value, text: value }));
  return { ...item(id, 'select', id, true), defaultvalue, options };
}
