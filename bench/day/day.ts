// The simulated day inside the Worker: events in the order of their time, each of which sends the dispatcher its messages.
import { setClock } from '../dispatcher/clock.ts';
import { type Costs, type Sizes, sizesOf } from '../dispatcher/control.ts';
import {
  createClient,
  type Health,
  health,
  list,
  listAll,
  type Message,
  reserve,
  SWEEP_START,
  sweep,
  type TaskQuestion,
  taskAnswer,
  type Usage,
  usageOf,
  usageReport,
} from '../dispatcher/dispatcher-messages.ts';
import { alarm, countRows, type Sql } from '../dispatcher/instrument.ts';
import { Target, type Way } from '../dispatcher/target.ts';
import { clientName, newVideo, Random } from '../dispatcher/videos.ts';
import { EventHeap } from './event-heap.ts';
import { type Gauges, noGauges } from './hour.ts';
import { Money } from './money.ts';
import {
  anyClient,
  CANCEL_WITHIN,
  CLIENTS,
  clientLimit,
  DAY,
  DELETE_WITHIN,
  HOUR,
  type Limits,
  limitsFor,
  MAX_SWEEP_BATCHES,
  MINUTE,
  OPERATOR_INTERVAL,
  SHARES,
  type Span,
  START,
  STEP_DELAY,
  SWEEP_INTERVAL,
  submittedUntil,
} from './scenario.ts';
import { type Totals, type Video, VideoModel, type World } from './video-model.ts';

type Event =
  | { kind: 'alarm'; video: Video; number: number }
  | { kind: 'cancel' | 'delete' | 'poll'; video: Video }
  | { kind: 'submit' | 'minute' | 'operator' | 'sweep' };

/** What a part of the day has cost, and what it has seen. */
export interface Part {
  costs: Costs;
  gauges: Gauges;
  /** Whether nothing is left to happen. */
  isOver: boolean;
  problems: string[];
}

export interface Sums {
  totals: Totals;
  /** Micro-dollars, as they should be. */
  reserved: number;
  spent: number;
  /** The most that was reserved and spent together. */
  most: number;
  /** Videos that are not removed. */
  left: number;
  usage: Usage;
  health: Health;
  sizes: Sizes;
  problems: string[];
}

/** More are not kept: one mistake may cause thousands. */
const MAX_PROBLEMS = 20;
const DAY_NUMBER = START / DAY;
const MAX_ALARMS_AT_ONCE = 10_000;

export class Day implements World {
  readonly random = new Random(21);
  readonly money = new Money();
  gauges = noGauges();
  readonly #span: Span;
  readonly #limits: Limits;
  readonly #target: Target;
  readonly #model: VideoModel;
  readonly #events = new EventHeap<Event>();
  readonly #alive = new Map<string, Video>();
  /** Reserved videos that no object has accepted. */
  readonly #neverAccepted = new Set<string>();
  #now: number;
  #minute: number;
  #problems: string[] = [];
  #alarmsNow = 0;

  constructor(span: Span, way: Way) {
    this.#span = span;
    this.#limits = limitsFor(span);
    this.#now = START + span.from * HOUR;
    this.#minute = span.from * 60;
    this.#target = new Target(way);
    this.#model = new VideoModel(this, this.#limits.maxActive);
    setClock(this.#now);
    for (const kind of ['minute', 'operator', 'sweep'] as const) this.#events.push(this.#now, { kind });
  }

  /** Everything before the first submit. */
  async begin(): Promise<void> {
    countRows(true);
    for (let index = 0; index < CLIENTS; index++) {
      const digest = index.toString(16).padStart(64, '0');
      await this.send(createClient(clientName(index), digest, clientLimit(index, this.#limits)));
    }
  }

  /** Runs until this time, counted from the beginning of the day. */
  async run(until: number, way: Way): Promise<Part> {
    this.#target.way = way;
    const before = alarm.writes;
    for (;;) {
      const alarmAt = alarm.at ?? Number.POSITIVE_INFINITY;
      const at = Math.max(this.#now, Math.min(alarmAt, this.#events.nextAt));
      if (at >= START + until) break;
      this.#alarmsNow = at === this.#now ? this.#alarmsNow : 0;
      this.#now = at;
      setClock(at);
      if (alarmAt <= at) await this.#fireAlarm();
      else await this.#handle(this.#events.pop());
    }
    const gauges = { ...this.gauges, alarmsSet: alarm.writes - before };
    this.gauges = noGauges();
    const costs = Object.fromEntries(this.#target.takeCosts());
    const isOver = until >= this.#span.to * HOUR && this.#alive.size === 0 && this.#neverAccepted.size === 0;
    return { costs, gauges, isOver, problems: this.#problems.splice(0) };
  }

  /** Compares what the dispatcher says with what it should say. */
  async sums(way: Way, sql: Sql | undefined): Promise<Sums> {
    this.#target.way = way;
    const usage = usageOf(await this.send(usageReport(DAY_NUMBER, DAY_NUMBER + 2)));
    const health = await this.#checkHealth();
    this.#target.takeCosts();
    const { totals } = this.#model;
    this.#compare('submitted', usage.submitted, totals.counted);
    this.#compare('completed', usage.completed, totals.completed);
    this.#compare('cancelled', usage.cancelled, totals.cancelled);
    this.#compare('failed', usage.failed, totals.failed);
    this.#compare('spent', usage.spent, this.money.spent);
    return {
      totals,
      reserved: this.money.reserved,
      spent: this.money.spent,
      most: this.money.most,
      left: this.#alive.size + this.#neverAccepted.size,
      usage,
      health,
      sizes: sizesOf(sql),
      problems: this.#problems.splice(0),
    };
  }

  /** Answers the dispatcher in place of a video's object. */
  answer(id: string, question: TaskQuestion): string {
    const video = this.#alive.get(id);
    if (video) return taskAnswer(this.#model.answer(video, question));
    if (this.#neverAccepted.delete(id)) this.money.release();
    return taskAnswer(null);
  }

  now(): number {
    return this.#now;
  }

  send(message: Message): Promise<unknown> {
    return this.#target.send(message);
  }

  setAlarm(video: Video, at: number): void {
    video.alarm += 1;
    video.isAlarmLost = false;
    if (at === Number.POSITIVE_INFINITY) return;
    if (this.random.chance(SHARES.lostAlarm)) {
      video.isAlarmLost = true;
      this.gauges.alarmsLost += 1;
    } else {
      this.#events.push(at, { kind: 'alarm', video, number: video.alarm });
    }
  }

  poll(video: Video, at: number): void {
    this.#events.push(at, { kind: 'poll', video });
  }

  forgetVideo({ facts }: Video): void {
    this.#alive.delete(facts.id);
  }

  problem(text: string): void {
    if (this.#problems.length < MAX_PROBLEMS) {
      this.#problems.push(`${((this.#now - START) / HOUR).toFixed(2)} h: ${text}`);
    }
  }

  async #fireAlarm(): Promise<void> {
    this.#alarmsNow += 1;
    if (this.#alarmsNow > MAX_ALARMS_AT_ONCE) throw new Error('the dispatcher’s alarm fires again and again');
    alarm.at = null;
    await this.#target.alarm();
  }

  async #handle(event: Event): Promise<void> {
    switch (event.kind) {
      case 'alarm':
        if (event.video.alarm === event.number) await this.#model.onAlarm(event.video);
        return;
      case 'cancel':
        return this.#model.cancel(event.video);
      case 'delete':
        return this.#model.delete(event.video);
      case 'poll':
        return this.#model.poll(event.video);
      case 'submit':
        return this.#submit();
      case 'minute':
        return this.#planMinute();
      case 'operator':
        this.#events.push(this.#now + OPERATOR_INTERVAL, event);
        return this.#askAsOperator();
      case 'sweep':
        this.#events.push(this.#now + SWEEP_INTERVAL, event);
        return this.#sweep();
    }
  }

  #planMinute(): void {
    if (this.#minute >= this.#span.to * 60) return;
    const before = submittedUntil(this.#minute, this.#span.videos);
    this.#minute += 1;
    const count = submittedUntil(this.#minute, this.#span.videos) - before;
    for (let at = 0; at < count; at++) {
      this.#events.push(this.#now + this.random.below(MINUTE), { kind: 'submit' });
    }
    this.#events.push(START + this.#minute * MINUTE, { kind: 'minute' });
  }

  async #submit(): Promise<void> {
    const { random } = this;
    const owner = clientName(anyClient(random));
    const facts = newVideo(random, owner, this.#now);
    this.gauges.submitted += 1;
    const shortage = await this.send(reserve(facts));
    if (shortage !== null) {
      this.gauges.unaffordable += 1;
      return;
    }
    this.money.reserve('none');
    if (this.money.reserved + this.money.spent > this.#limits.budget) this.problem('the budget is exceeded');
    if (random.chance(SHARES.neverAccepted)) {
      this.#neverAccepted.add(facts.id);
      return;
    }
    const video = this.#model.accept(facts);
    this.#alive.set(facts.id, video);
    if (random.chance(SHARES.cancelled)) {
      this.#events.push(this.#now + random.below(CANCEL_WITHIN), { kind: 'cancel', video });
    }
    if (random.chance(SHARES.deleted)) {
      this.#events.push(this.#now + random.below(DELETE_WITHIN), { kind: 'delete', video });
    }
    if (random.chance(SHARES.listed)) await this.send(list(owner));
  }

  async #askAsOperator(): Promise<void> {
    await this.send(listAll());
    await this.#checkHealth();
    const { today, submitted } = usageOf(await this.send(usageReport(DAY_NUMBER, DAY_NUMBER)));
    // Later days begin with nothing spent.
    if (this.#now >= START + DAY) return;
    this.#compare('spent today', today[0], this.money.spent);
    this.#compare('reserved', today[1], this.money.reserved);
    this.#compare('submitted', submitted, this.#model.totals.counted);
  }

  async #checkHealth(): Promise<Health> {
    const told = (await this.send(health())) as Health;
    if (told.active > this.#limits.maxActive) this.problem(`${told.active} slots are taken`);
    this.#compare('jobs in the queue and with a slot', told.active + told.waiting, this.#model.totals.known);
    return told;
  }

  async #sweep(): Promise<void> {
    const asOf = this.#now;
    let from: unknown = SWEEP_START;
    for (let batch = 0; batch < MAX_SWEEP_BATCHES; batch++) {
      from = await this.send(sweep(asOf, from));
      if (from === null) return;
      this.#now += STEP_DELAY;
      setClock(this.#now);
    }
    this.gauges.sweepsBehind += 1;
  }

  #compare(what: string, told: number, expected: number): void {
    if (told !== expected) this.problem(`${what}: ${told}, not ${expected}`);
  }
}
