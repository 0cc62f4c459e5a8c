// The one Dispatcher object: grants slots at Wiro, up to MAX_ACTIVE, and knows the owner of each video. Each call is
// one synchronous transaction in its SQLite.
import { DurableObject } from 'cloudflare:workers';
import { log } from './log.js';
import { settingsOf } from './settings.js';

const LOOK_MS = 600_000;
const CALL_MS = 5000;
const BATCH = 100;
const DAY_MS = 86_400_000;
const MAX_LESSONS = 8;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS jobs (
    ticket INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'called', 'placed', 'gone')),
    look_at INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, ticket) WHERE state <> 'gone';
  CREATE INDEX IF NOT EXISTS jobs_by_look ON jobs (look_at);
  CREATE TABLE IF NOT EXISTS owned (
    ticket INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    created_at INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS owned_in_order ON owned (owner, created_at, ticket);
  CREATE TABLE IF NOT EXISTS paces (kind TEXT PRIMARY KEY, usual INTEGER NOT NULL, lessons INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS spending (
    id TEXT UNIQUE,
    owner TEXT NOT NULL,
    day INTEGER NOT NULL,
    micros INTEGER NOT NULL,
    is_spent INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS spending_of_day ON spending (day, owner, is_spent, micros);`;

export const dispatcherOf = (env) => env.DISPATCHER.getByName('dispatcher');

export class Dispatcher extends DurableObject {
  #sql = this.ctx.storage.sql;

  constructor(ctx, env) {
    super(ctx, env);
    this.#sql.exec(SCHEMA);
  }

  /** A job asks for a slot: `{ place: { pace } }`, or `{ position }` in the queue, counted from 1. */
  async enter(owned, kind) {
    const { maxActive } = await settingsOf(this.env);
    this.#own(owned);
    const { id } = owned;
    const look = Date.now() + LOOK_MS;
    this.#sql.exec(
      `INSERT INTO jobs (id, state, look_at) VALUES (?1, 'waiting', ?2)
       ON CONFLICT (id) DO UPDATE SET state = 'waiting' WHERE state = 'gone'`,
      id,
      look,
    );
    this.#advance(maxActive);
    const position = this.#position(id);
    if (position === null) {
      this.#sql.exec("UPDATE jobs SET state = 'placed', look_at = ? WHERE id = ?", look, id);
    }
    await this.#keepAlarm();
    return position === null ? { place: { pace: this.#pace(kind)?.usual } } : { position };
  }

  position(id) {
    return this.#position(id);
  }

  /** Releases a slot, with the generation time and the cost in micro-dollars. */
  async leave(owned, kind, took, cost) {
    const { maxActive } = await settingsOf(this.env);
    this.#own(owned);
    if (took >= 0) this.#learn(kind, took);
    this.#settle(owned, cost);
    this.#sql.exec(
      `INSERT INTO jobs (id, state, look_at) VALUES (?1, 'gone', ?2)
       ON CONFLICT (id) DO UPDATE SET state = 'gone', look_at = ?2`,
      owned.id,
      Date.now() + LOOK_MS,
    );
    this.#advance(maxActive);
    await this.#keepAlarm();
  }

  /** The ids of a page; undefined if the video at its start does not exist. */
  list(owner, { limit, oldestFirst, after }) {
    const [behind, order] = oldestFirst ? ['>', 'ASC'] : ['<', 'DESC'];
    let where = '';
    const values = [owner];
    if (after) {
      const [place] = this.#sql
        .exec('SELECT created_at, ticket FROM owned WHERE owner = ? AND id = ?', owner, after)
        .raw();
      if (!place) return undefined;
      where = `AND (created_at, ticket) ${behind} (?, ?)`;
      values.push(...place);
    }
    const query = `SELECT id FROM owned WHERE owner = ? ${where} ORDER BY created_at ${order}, ticket ${order} LIMIT ?`;
    // One row more than the limit shows whether the list goes on.
    const ids = [...this.#sql.exec(query, ...values, limit + 1).raw()].map(([id]) => id);
    return { ids: ids.slice(0, limit), hasMore: ids.length > limit };
  }

  /** Grants slots to queued jobs, again if needed. */
  async alarm() {
    const { maxActive } = await settingsOf(this.env);
    this.#advance(maxActive);
    const now = Date.now();
    const due = [
      ...this.#sql
        .exec("SELECT id FROM jobs WHERE state = 'called' AND look_at <= ? LIMIT ?", now, BATCH)
        .raw(),
    ];
    for (const [id] of due) {
      this.#sql.exec('UPDATE jobs SET look_at = ? WHERE id = ?', Date.now() + CALL_MS, id);
      try {
        const needsPlace = await this.env.VIDEO_TASK.getByName(id).called();
        if (!needsPlace) this.#sql.exec("UPDATE jobs SET state = 'gone' WHERE id = ?", id);
      } catch (error) {
        log.error('a video could not be called', { 'video.id': id, error: String(error) });
      }
    }
    await this.#keepAlarm();
  }

  #own({ id, owner, createdAt }) {
    if (owner === '') return;
    this.#sql.exec(
      'INSERT OR IGNORE INTO owned (id, owner, created_at) VALUES (?, ?, ?)',
      id,
      owner,
      createdAt,
    );
  }

  /** Grants the free slots in the order of arrival. */
  #advance(maxActive) {
    const waiting = this.#count("state = 'waiting'");
    if (waiting === 0) return;
    const room = maxActive - this.#count("state IN ('called', 'placed')");
    const calls = Math.min(waiting, room);
    if (calls <= 0) return;
    this.#sql.exec(
      `UPDATE jobs SET state = 'called', look_at = ? WHERE ticket IN
       (SELECT ticket FROM jobs WHERE state = 'waiting' ORDER BY ticket LIMIT ?)`,
      Date.now(),
      calls,
    );
  }

  /** What a video cost counts on the day of its submit; again changes nothing. */
  #settle({ id, owner, createdAt }, micros) {
    if (micros === 0) return;
    this.#sql.exec(
      `INSERT INTO spending (id, owner, day, micros, is_spent) VALUES (?1, ?2, ?3, ?4, 1)
       ON CONFLICT (id) DO UPDATE SET micros = ?4, is_spent = 1`,
      id,
      owner,
      Math.floor((createdAt * 1000) / DAY_MS),
      micros,
    );
  }

  #count(where) {
    return this.#sql.exec(`SELECT COUNT(*) AS count FROM jobs WHERE ${where}`).one().count;
  }

  #position(id) {
    const query = `SELECT COUNT(*) AS ahead FROM jobs WHERE state = 'waiting'
                   AND ticket <= (SELECT ticket FROM jobs WHERE id = ? AND state = 'waiting')`;
    return this.#sql.exec(query, id).one().ahead || null;
  }

  #pace(kind) {
    const [pace] = this.#sql.exec('SELECT usual, lessons FROM paces WHERE kind = ?', kind);
    return pace;
  }

  #learn(kind, took) {
    const known = this.#pace(kind);
    const lessons = Math.min((known?.lessons ?? 0) + 1, MAX_LESSONS);
    const believed = known ? Math.min(Math.max(took, (known.usual * 2) / 3), (known.usual * 3) / 2) : took;
    const usual = Math.round(((known?.usual ?? 0) * (lessons - 1) + believed) / lessons);
    this.#sql.exec('INSERT OR REPLACE INTO paces VALUES (?, ?, ?)', kind, usual, lessons);
  }

  async #keepAlarm() {
    const { due } = this.#sql.exec("SELECT MIN(look_at) AS due FROM jobs WHERE state = 'called'").one();
    if (due === (await this.ctx.storage.getAlarm())) return;
    if (due === null) await this.ctx.storage.deleteAlarm();
    else await this.ctx.storage.setAlarm(due);
  }
}
