// The messages of the dispatcher and of the videos' objects, as src/calls/ defines them. Only this file knows their JSON.

/** What the dispatcher is told about a video. */
export interface VideoFacts {
  id: string;
  owner: string;
  /** Unix seconds. */
  createdAt: number;
  model: string;
  /** Model, resolution and seconds. */
  kind: string;
  needsSlot: boolean;
  /** The generation time in milliseconds; null if the job has not ended. */
  generationTime: number | null;
  /** In micro-dollars; null if it is not known. */
  cost: number | null;
  ending: Ending | null;
  /** Unix seconds; null before the end. */
  expiresAt: number | null;
}

export interface Ending {
  status: 'completed' | 'failed' | 'cancelled';
  /** Of a failed video. */
  code: string | null;
  /** Of a completed video. */
  seconds: number;
}

/** The kind of a message, for tables, and its text. */
export type Message = [kind: string, text: string];

export const MODELS = ['minimax/hailuo-2-3', 'minimax/hailuo-2-3-fast'];

const ownership = ({ id, owner, createdAt, model }: VideoFacts) => ({
  id,
  owner,
  created_at: createdAt,
  model,
  request_id: `req-${id.slice(-24)}`,
});

const message = (kind: string, body: unknown): Message => [kind, JSON.stringify(body)];

export const reserve = (facts: VideoFacts) => message('Reserve', { reserve: [ownership(facts), facts.kind] });

/** `retryAfter` in milliseconds, if Wiro was at capacity. */
export const acquireSlot = (facts: VideoFacts, retryAfter: number | null = null) =>
  message('AcquireSlot', { enter: [ownership(facts), facts.kind, retryAfter] });

/** What the object sends when its need for a slot has changed, when the video has ended, or both. */
export function report(facts: VideoFacts, { slot, ended }: { slot: boolean; ended: boolean }): Message {
  const { kind, needsSlot, generationTime, cost, ending, expiresAt } = facts;
  const end = ended ? { ending, expires_at: expiresAt } : null;
  const told = { needs_slot: needsSlot, generation_time: slot ? generationTime : null, cost, end };
  return message(ended ? 'Report of an end' : 'Report', { report: [ownership(facts), kind, told] });
}

export const forget = (facts: VideoFacts) =>
  message('Forget', {
    forget: { video: ownership(facts), cost: facts.cost, is_refused: false, expires_at: facts.expiresAt },
  });

export const position = (id: string) => message('Position', { position: id });

const page = (limit: number) => ({ limit, start: 'at_the_first', oldest_first: false });

/** The first page of a client's list. */
export const list = (owner: string, limit = 20) => message('List', { list: [owner, page(limit)] });

/** The first page of the operator's list of all videos. */
export const listAll = (limit = 20) => message('ListAll', { operator: { list_all: [null, page(limit)] } });

export const health = () => message('Health', { operator: 'health' });

/** The usage of these days, counted from the Unix epoch, by client. */
export const usageReport = (from: number, to: number) =>
  message('UsageReport', {
    operator: { usage_report: { from, to, group_by: { day: true, client: true, model: false } } },
  });

/** `from` is the answer to the last batch, which is null after the last one. */
export const sweep = (asOf: number, from: unknown) => message('Sweep', { sweep: [asOf, from] });

export const SWEEP_START = { ended: null };

/** Creates a client that is managed at run time. */
export function createClient(name: string, digest: string, maxActive: number | null): Message {
  const change = {
    daily_usd: 'keep',
    max_active: maxActive === null ? 'keep' : { set: maxActive },
    paused: 'keep',
    webhook_secret: 'keep',
  };
  return message('Clients', {
    operator: { clients: { create: { name, token_sha256: digest, change } } },
  });
}

export type SlotReply = { granted: true } | { granted: false; position: number | null };

export function slotReply(answer: unknown): SlotReply {
  if (typeof answer === 'object' && answer !== null) {
    if ('placed' in answer || 'placed_to_report' in answer) return { granted: true };
    if ('behind' in answer) return { granted: false, position: Number(answer.behind) };
  }
  return { granted: false, position: null };
}

/** Of a [`health`] message. */
export interface Health {
  waiting: number;
  active: number;
}

/** Of a [`usageReport`], in micro-dollars. */
export interface Usage {
  /** Spent and reserved today. */
  today: [number, number];
  submitted: number;
  completed: number;
  cancelled: number;
  failed: number;
  spent: number;
  reserved: number;
}

interface UsageRow {
  counts: number[];
  spent: number;
  reserved: number;
}

export function usageOf(answer: unknown): Usage {
  const { rows, today } = answer as { rows: UsageRow[]; today: [number, number] };
  const sum = (pick: (row: UsageRow) => number) => rows.reduce((total, row) => total + pick(row), 0);
  const count = (at: number) => sum(({ counts }) => counts[at] ?? 0);
  return {
    today,
    submitted: count(0),
    completed: count(1),
    cancelled: count(2),
    failed: sum(({ counts }) => counts.slice(4).reduce((total, counted) => total + counted, 0)),
    spent: sum(({ spent }) => spent),
    reserved: sum(({ reserved }) => reserved),
  };
}

/** The answer of the dispatcher; throws if it is an error. */
export function answerOf(text: string): unknown {
  const answer = JSON.parse(text) as { Ok?: unknown; Err?: string };
  if (answer.Err !== undefined) throw new Error(`the dispatcher answered: ${answer.Err}`);
  return answer.Ok;
}

/** What the dispatcher asks the object of a video. */
export type TaskQuestion = { kind: 'SlotGranted' } | { kind: 'Reconcile'; asOf: number };

export function taskQuestion(text: string): TaskQuestion {
  const question = JSON.parse(text) as string | { look_after?: number };
  if (question === 'called') return { kind: 'SlotGranted' };
  if (typeof question === 'object' && question.look_after !== undefined) {
    return { kind: 'Reconcile', asOf: question.look_after };
  }
  throw new Error(`no object answers ${text}`);
}

/** The answer of an object: whether its job needs a slot, and when to ask again. */
export interface SlotReport {
  needsSlot: boolean;
  /** Unix milliseconds. */
  nextCheckAt: number;
  existence: 'unfinished' | 'ended' | 'removing';
}

/** `null` if there is no such video. */
export function taskAnswer(report: SlotReport | null): string {
  if (report === null) return JSON.stringify({ Ok: 'nothing' });
  const { needsSlot, nextCheckAt, existence } = report;
  return JSON.stringify({ Ok: { report: { needs_place: needsSlot, look_at: nextCheckAt, existence } } });
}
