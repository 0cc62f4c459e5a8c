// The models that the account can run. Owner and project are recognised in any of Wiro's spellings.
import {
  type Frame,
  type Generation,
  item,
  type ParameterItem,
  type PictureParameter,
  pictureItems,
  pictureParameter,
  select,
} from './parameters.ts';
import { DEFAULT_PRICES } from './price.ts';

export type { Generation };

export const DEFAULT_MODEL = 'minimax/hailuo-2-3';

export interface ModelOptions {
  generation: Generation;
  /** Whether Tool/Detail lists the parameters; default: not for `seed`. */
  describes?: boolean;
  /** Default: optional. */
  firstFrame?: 'optional' | 'required' | 'none';
  /** Default: no. */
  lastFrame?: boolean;
  /** Default: required. */
  prompt?: 'required' | 'optional';
  /** Default: 768P and 1080P. */
  resolutions?: string[];
  /** Default: 6 and 10. */
  durations?: string[];
  /** What Tool/Detail calls the defaults; Run wants each value all the same. */
  defaults?: { resolution?: string; duration?: string; promptOptimizer?: string };
  /** The value of `dynamicprice`, whatever it is; default: three prices for a run. */
  prices?: unknown;
  /** More parameters, behind the others. */
  extra?: ParameterItem[];
}

/** Parameters of every Run, which no description lists. */
const COMMON_FIELDS = ['callbackUrl', 'projectid'];

export class Model {
  /** `owner/project` as Wiro's URLs spell it. */
  readonly slug: string;
  /** As it was given. */
  readonly owner: string;
  readonly project: string;
  readonly generation: Generation;
  readonly describes: boolean;
  readonly pictures: Partial<Record<Frame, PictureParameter>>;
  /** Every parameter in the order of Wiro's forms. */
  readonly items: ParameterItem[];
  readonly prices: unknown;
  /** Fields that it had before its options were changed: a client may have known no better. */
  readonly formerFields: ReadonlySet<string>;

  constructor(slug: string, options: ModelOptions, former?: Model) {
    const [owner = '', project = ''] = slug.split('/');
    this.slug = cleanSlug(slug);
    this.owner = owner;
    this.project = project;
    this.generation = options.generation;
    this.describes = options.describes ?? options.generation !== 'seed';
    this.pictures = picturesOf(options);
    this.items = itemsOf(options, this.pictures);
    this.prices = options.prices === undefined ? DEFAULT_PRICES : options.prices;
    this.formerFields = new Set(former && [...former.formerFields, ...former.fields]);
  }

  /** The name of every field that a Run may have. */
  get fields(): string[] {
    const urlIds = Object.values(this.pictures).flatMap(({ urlId }) => urlId ?? []);
    return [...this.items.map(({ id }) => id), ...urlIds, ...COMMON_FIELDS];
  }

  /** The items that are no pictures. */
  get values(): ParameterItem[] {
    const ids = Object.values(this.pictures).flatMap(({ id, urlId }) => [id, urlId]);
    return this.items.filter(({ id }) => !ids.includes(id));
  }
}

export class ModelBook {
  readonly #models = new Map<string, Model>();

  constructor(models: Record<string, ModelOptions>) {
    for (const [slug, options] of Object.entries(models)) this.set(slug, options);
  }

  /** Adds a model, or changes it for what is asked from now on. */
  set(slug: string, options: ModelOptions): void {
    if (!/^[^/]+\/[^/]+$/.test(slug)) throw new TypeError(`a model is owner/project, not ${slug}`);
    const model = new Model(slug, options, this.find(slug));
    this.#models.set(model.slug, model);
  }

  find(slug: string): Model | undefined {
    return this.#models.get(cleanSlug(slug));
  }
}

/** `MiniMax/hailuo-2.3` as `minimax/hailuo-2-3`. */
export function cleanSlug(slug: string): string {
  return slug.split('/').map(clean).join('/');
}

export function clean(part: string): string {
  return part.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}

function picturesOf({ generation, firstFrame = 'optional', lastFrame }: ModelOptions): Model['pictures'] {
  const isRequired = firstFrame === 'required';
  return {
    ...(firstFrame !== 'none' && { first: pictureParameter(generation, 'first', isRequired) }),
    ...(lastFrame && { last: pictureParameter(generation, 'last', false) }),
  };
}

function itemsOf(options: ModelOptions, { first, last }: Model['pictures']): ParameterItem[] {
  const { generation, prompt = 'required', defaults = {}, extra = [] } = options;
  const { resolutions = ['768P', '1080P'], durations = ['6', '10'] } = options;
  return [
    ...(first ? pictureItems(generation, first) : []),
    item('prompt', 'textarea', 'prompt', prompt === 'required'),
    select('promptOptimizer', ['true', 'false'], defaults.promptOptimizer ?? 'true'),
    select('resolution', resolutions, defaults.resolution ?? resolutions[0] ?? ''),
    select('duration', durations, defaults.duration ?? durations[0] ?? ''),
    ...(last ? pictureItems(generation, last) : []),
    ...extra,
  ];
}
