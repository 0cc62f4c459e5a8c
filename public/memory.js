// What this browser remembers: small things in localStorage, pictures in IndexedDB. Where neither is to be had (some
// private windows), the page works all the same and forgets when it is closed.

/** What could not be written to localStorage. @type {Map<string, string>} */
const fallback = new Map();

/**
 * What was remembered by that name; what fails the check is forgotten.
 * @template T @param {string} name @param {(value: any) => value is T} isRight @returns {T | null}
 */
export function recall(name, isRight) {
  try {
    const value = JSON.parse(fallback.get(name) ?? localStorage.getItem(name) ?? 'null');
    if (value === null || isRight(value)) return value;
  } catch {
    // Not JSON, or no storage.
  }
  remember(name, null);
  return null;
}

/** @param {string} name @param {unknown} value  null forgets it */
export function remember(name, value) {
  const text = JSON.stringify(value);
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, text);
    fallback.delete(name);
  } catch {
    fallback.set(name, text);
  }
}

/** @type {Promise<IDBDatabase> | undefined} */
let opening;

function database() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('hailuo', 1);
    request.onupgradeneeded = () => {
      for (const name of ['posters', 'outbox', 'draft']) request.result.createObjectStore(name);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opening;
}

/** A table of IndexedDB. What fails the check when it is read is deleted. @template T */
export class Shelf {
  /** @type {Map<string, T>} */
  #here = new Map();
  #isRight;

  /** @param {'posters' | 'outbox' | 'draft'} name @param {(value: any, key: string) => boolean} isRight */
  constructor(name, isRight) {
    this.name = name;
    this.#isRight = isRight;
  }

  /** @param {string} key @returns {Promise<T | undefined>} */
  async get(key) {
    const value = this.#here.get(key) ?? (await this.#do('readonly', (store) => store.get(key)));
    if (value === undefined || this.#isRight(value, key)) return value;
    await this.delete(key);
    return undefined;
  }

  /** Resolves when it is safe on disk. @param {string} key @param {T} value */
  async put(key, value) {
    this.#here.set(key, value);
    await this.#do('readwrite', (store) => store.put(value, key));
  }

  /** @param {string} key */
  async delete(key) {
    this.#here.delete(key);
    await this.#do('readwrite', (store) => store.delete(key));
  }

  /** @returns {Promise<T[]>} */
  async all() {
    /** @type {string[]} */
    const keys = (await this.#do('readonly', (store) => store.getAllKeys())) ?? [...this.#here.keys()];
    const values = await Promise.all(keys.map((key) => this.get(key)));
    return values.filter((value) => value !== undefined);
  }

  /** @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest} act @returns {Promise<any>} */
  async #do(mode, act) {
    try {
      const transaction = (await database()).transaction(this.name, mode);
      const request = act(transaction.objectStore(this.name));
      await new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error);
      });
      return request.result;
    } catch {
      return undefined;
    }
  }
}
