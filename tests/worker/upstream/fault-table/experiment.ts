// Runs one row of the table: submits a video, causes the fault and returns the observed result.
import { problem, type Service } from '../../support/service.ts';
import type { Video } from '../../support/types.ts';
import { runsOf } from '../../support/upstream-calls.ts';
import type { Outcome } from './outcome.ts';
import type { Case } from './table.ts';

/** More than the deadlines of jobs and copies. */
const PATIENCE_MS = 60_000;
const MANY_RUNS = 4;

export class Experiment {
  readonly row: Case;
  readonly #service: Service;
  #video: string | undefined;
  #told = 'no answer';

  constructor(service: Service, row: Case) {
    this.#service = service;
    this.row = row;
  }

  /** Resolves when the submit was answered. */
  async begin(): Promise<void> {
    const { sim } = this.#service;
    const { prompt, faults, accountFaults } = this.row;
    sim.script(prompt, faults);
    sim.script('', accountFaults);
    const response = await this.#service.submit({ prompt });
    const code = response.ok ? [] : [(await problem(response)).code];
    if (response.ok) this.#video = ((await response.json()) as Video).id;
    this.#told = [response.status, ...code].join(' ');
  }

  /** Resolves when nothing more is to come: the video has ended, and every callback was answered. */
  async finish(): Promise<void> {
    if (this.row.expected.video === 'queued') return;
    // If it does not end, the result shows it.
    await this.#service.ended(this.#id, PATIENCE_MS).catch(() => {});
    const { callback } = this.row.faults;
    if (!callback || callback.lost) return;
    const task = await this.#service.sim.waitForTask(this.row.prompt);
    await task.calledBack(callback.times);
  }

  async outcome(): Promise<Outcome> {
    const { sim } = this.#service;
    const { prompt } = this.row;
    const runs = runsOf(sim, prompt).length;
    return {
      submit: this.#told,
      tasks: sim.tasks.filter((task) => task.prompt === prompt).length,
      runs: runs < MANY_RUNS ? runs : 'many',
      video: ending(await this.#service.video(this.#id)),
    };
  }

  /** By the answer, or by the callback's URL, `/hooks/wiro/{id}/{proof}`: who was refused was told of no video. */
  get #id(): string {
    if (this.#video !== undefined) return this.#video;
    const [run] = runsOf(this.#service.sim, this.row.prompt);
    return new URL(run?.fields?.callbackUrl ?? '').pathname.split('/')[3] ?? '';
  }
}

function ending({ status, error }: Video): string {
  return error ? `${status}: ${error.code}` : status;
}
