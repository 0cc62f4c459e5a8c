// What the measuring process asks of the Worker under measurement, by path.

import { Day } from '../day/day.ts';
import type { Span } from '../day/scenario.ts';
import { health, position, type TaskQuestion, taskQuestion } from './dispatcher-messages.ts';
import { countRows, type Sql, statements, tableNames } from './instrument.ts';
import { type Fill, Load, type Round } from './load.ts';
import { type KindCost, Target, type Way } from './target.ts';

/** Answers in place of the objects of videos. */
interface Objects {
  answer(id: string, question: TaskQuestion): string;
}

/** By the kind of message. */
export type Costs = Record<string, KindCost>;

export interface RoundOrder {
  round: Round;
  count: number;
  isCounted: boolean;
}

export type StatementCost = [statement: string, count: number, read: number, written: number];

export class Control {
  #objects: Objects | undefined;
  #load: Load | undefined;
  #target: Target | undefined;
  #day: Day | undefined;

  answer(id: string, question: string): string {
    if (!this.#objects) throw new Error('there are no objects yet');
    return this.#objects.answer(id, taskQuestion(question));
  }

  async run(path: string, order: unknown, way: Way, sql?: Sql): Promise<unknown> {
    switch (path) {
      case '/inside/fill':
        this.#target = new Target(way);
        this.#objects = this.#load = new Load(this.#target, order as Fill);
        await this.#target.send(health());
        return this.#load.fill(tablesOf(sql));
      case '/round':
        return this.#round(order as RoundOrder, way);
      case '/idle':
        return idle(way, order as number);
      case '/inside/day/begin':
        this.#objects = this.#day = new Day(order as Span, way);
        return this.#day.begin();
      case '/inside/day/run':
        return this.#day?.run(order as number, way);
      case '/inside/day/sums':
        return this.#day?.sums(way, sql);
      case '/inside/statements':
        return takeStatements();
      case '/inside/size':
        return sizesOf(sql);
      default:
        throw new Error(`nothing is at ${path}`);
    }
  }

  async #round({ round, count, isCounted }: RoundOrder, way: Way): Promise<Costs> {
    if (!this.#load || !this.#target) throw new Error('nothing is filled yet');
    this.#target.way = way;
    this.#target.takeCosts();
    countRows(isCounted);
    await this.#load.run(round, count);
    countRows(false);
    return Object.fromEntries(this.#target.takeCosts());
  }
}

/** Messages to an object that does nothing. */
async function idle(way: Way, count: number): Promise<Costs> {
  const target = new Target(way);
  const [, text] = position('vid_');
  for (let at = 0; at < count; at++) await target.send(['idle', text]);
  return Object.fromEntries(target.takeCosts());
}

/** The costs of all statements, those that read most first; then forgets them. */
function takeStatements(): StatementCost[] {
  const all = [...statements].map(
    ([text, { statements: count, read, written }]): StatementCost => [
      text.replaceAll(/\s+/g, ' ').trim(),
      count,
      read,
      written,
    ],
  );
  statements.clear();
  return all.toSorted(([, , one], [, , other]) => other - one);
}

export interface Sizes {
  bytes: number;
  /** By table. */
  rows: Record<string, number>;
}

function tablesOf(sql: Sql | undefined): Sql {
  if (!sql) throw new Error('only the dispatcher has tables');
  return sql;
}

export function sizesOf(of: Sql | undefined): Sizes {
  const sql = tablesOf(of);
  const names = tableNames(sql);
  const rowsOf = (name: string) =>
    Number(sql.exec(`SELECT COUNT(*) AS number FROM ${name}`).toArray()[0]?.number);
  return { bytes: sql.databaseSize, rows: Object.fromEntries(names.map((name) => [name, rowsOf(name)])) };
}
