// Videos that are made step by step, so that the cause of each event is known.
import { completed, submit } from '../scene.ts';
import type { Subject } from '../subject.ts';
import type { Upstream, UpstreamTask } from '../upstream.ts';

/** The stages after the queue; each is an event. */
export const STAGES = [
  'task_accept',
  'task_preprocess_start',
  'task_preprocess_end',
  'task_assign',
  'task_start',
  'task_end',
  'task_postprocess_start',
];

const QUEUED = 'task_queue';
const END = 'task_postprocess_end';
const SUBMITTING = 16;

/** `quiet`: a job that writes nothing. `chatty`: one with hundreds of lines, and the longest prompt. */
export type Manner = 'quiet' | 'chatty';

/** Where a job stops, and the stage that its watchers then have. The first steps warm up. */
export const STEPS: Record<Manner, { holdAt: string; stage: string }[]> = {
  quiet: STAGES.map((stage) => ({ holdAt: stage, stage })),
  chatty: [
    // A line of output is a stage too, and the later one.
    { holdAt: 'task_start', stage: 'task_output' },
    ...['task_end', 'task_postprocess_start'].map((stage) => ({ holdAt: stage, stage })),
  ],
};

let rounds = 0;

export async function direct(upstream: Upstream): Promise<void> {
  await upstream.script('quiet', { task: { statuses: [QUEUED, ...STAGES, END] } });
  await upstream.script('chatty', { socket: 'chatty' });
}

export class Watched {
  readonly ids: string[];
  readonly #subject: Subject;
  readonly #upstream: Upstream;
  readonly #name: string;
  #tasks: UpstreamTask[] = [];

  private constructor(subject: Subject, upstream: Upstream, name: string, ids: string[]) {
    this.#subject = subject;
    this.#upstream = upstream;
    this.#name = name;
    this.ids = ids;
  }

  /** Videos whose jobs stay in Wiro's queue. */
  static async start(subject: Subject, upstream: Upstream, manner: Manner, count: number): Promise<Watched> {
    const name = `${manner} ${process.pid}-${rounds++};`;
    await upstream.script(name, { holdAt: QUEUED });
    const prompt = manner === 'chatty' ? `${name} ${'🛶'.repeat(970)}` : name;
    const ids: string[] = [];
    const lane = async () => {
      for (let left = count - ids.length; left > 0; left = count - ids.length) {
        const at = ids.push('') - 1;
        ids[at] = await submit(subject, prompt);
      }
    };
    await Promise.all(Array.from({ length: Math.min(SUBMITTING, count) }, lane));
    const watched = new Watched(subject, upstream, name, ids);
    watched.#tasks = await upstream.tasks(name);
    return watched;
  }

  /** Lets all jobs go on to this stage, one after the other with a pause between them. */
  async goOn(stage: string | undefined, pauseMs = 0): Promise<void> {
    await this.#upstream.script(this.#name, { holdAt: stage ?? 'nowhere' });
    for (const task of this.#tasks) {
      const due = performance.now() + pauseMs;
      await this.#upstream.release(task);
      if (pauseMs > 0)
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    }
  }

  /** Unix milliseconds of each stage, by video and stage; the end as `completed`. */
  async causes(): Promise<(id: string, stage: string) => number> {
    const tasks = await this.#upstream.tasks(this.#name);
    const histories = new Map(
      tasks.map((task) => [new URL(task.callbackUrl).pathname.split('/')[3], task.history]),
    );
    return (id, stage) => {
      const name = stage === 'completed' ? END : stage;
      return histories.get(id)?.find(({ status }) => status === name)?.at ?? Number.NaN;
    };
  }

  async completed(): Promise<void> {
    for (const id of this.ids) await completed(this.#subject, id);
  }
}
