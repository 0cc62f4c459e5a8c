// The simulator's options, and those that may change while it runs.
import type { Call } from './calls.ts';
import type { ModelOptions } from './models.ts';

/** Of the socket's messages: those of 2025 name the token, and the `*_full` ones repeat the log. */
export type SocketEdition = '2025' | '2026';

/** How a row shows the parameters: as an object, as its JSON in a text, or as null. */
export type ParametersAs = 'object' | 'text' | 'none';

export interface SimOptions {
  /** Default: a free one. */
  port?: number;
  apiKey?: string;
  /** null: a project without a secret, which takes the key alone. */
  apiSecret?: string | null;
  /** By slug, in any of Wiro's spellings; default: `minimax/hailuo-2-3` of the generation `seed`. */
  models?: Record<string, ModelOptions>;
  /** Short for one model of the generation `seed`. */
  model?: string;
  /** Simulated seconds per real second, default 1; a whole life takes 60 simulated seconds. */
  speed?: number;
  /** Told of each HTTP call when its answer is sent or broken off. */
  onCall?: (call: Call) => void;
  /** Unfinished tasks above which Run answers code 96; default: no limit. */
  maxActive?: number;
  /** Whether the rows of Task/List carry `callbackurl`; default true. */
  listCallbackUrl?: boolean;
  /** Whether the rows of everything else do; default true: otherwise it is "" there. */
  detailCallbackUrl?: boolean;
  /** So many bytes of `debugoutput` in every row, as of a run that writes much; default: what it has written. */
  logBytes?: number;
  /** Whether Kill is refused before `task_assign`, as Wiro's documentation says; default false: from `task_accept` on. */
  killsFromAssign?: boolean;
  /** Whether FolderCreate, and uploads into a folder, are refused for want of a permission; default false. */
  refusesFolders?: boolean;
  /** Whether an unknown folder is taken for one that was made before the start; default false: it is refused. */
  adoptsFolders?: boolean;
  /** Whether a request that does not tell its length is answered 411, before its body is read; default false. */
  refusesChunked?: boolean;
  /** Whether a Run with unknown fields and files makes a task without them; default false: it is refused. */
  ignoresUnknownFields?: boolean;
  /** Default: as an object. */
  parametersAs?: ParametersAs;
  /** Default 2026. */
  socketEdition?: SocketEdition;
}

/** All of it may be changed at any time. */
export class Settings {
  maxActive: number;
  listCallbackUrl: boolean;
  detailCallbackUrl: boolean;
  logBytes: number | undefined;
  killsFromAssign: boolean;
  refusesFolders: boolean;
  adoptsFolders: boolean;
  refusesChunked: boolean;
  ignoresUnknownFields: boolean;
  parametersAs: ParametersAs;
  socketEdition: SocketEdition;

  constructor(options: SimOptions) {
    this.maxActive = options.maxActive ?? Number.POSITIVE_INFINITY;
    this.listCallbackUrl = options.listCallbackUrl ?? true;
    this.detailCallbackUrl = options.detailCallbackUrl ?? true;
    this.logBytes = options.logBytes;
    this.killsFromAssign = options.killsFromAssign ?? false;
    this.refusesFolders = options.refusesFolders ?? false;
    this.adoptsFolders = options.adoptsFolders ?? false;
    this.refusesChunked = options.refusesChunked ?? false;
    this.ignoresUnknownFields = options.ignoresUnknownFields ?? false;
    this.parametersAs = options.parametersAs ?? 'object';
    this.socketEdition = options.socketEdition ?? '2026';
  }
}
