// What this browser remembers: small things in localStorage, pictures in IndexedDB. Where neither is to be had (some
// private windows), the page works all the same and forgets when it is closed.

/** @type {Map<string, string>} */
const fallback = new Map();

/** @param {string} name @returns {any} */
export function recall(name) {
  try {
    return JSON.parse(localStorage.getItem(name) ?? 'null');
  } catch {
    return JSON.parse(fallback.get(name) ?? 'null');
  }
}

/** @param {string} name @param {unknown} value  null forgets it */
export function remember(name, value) {
  const text = JSON.stringify(value);
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, text);
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

/** A table of IndexedDB. @template T */
export class Shelf {
  /** @type {Map<string, T>} */
  #here = new Map();

  /** @param {'posters' | 'outbox' | 'draft'} name */
  constructor(name) {
    this.name = name;
  }

  /** @param {string} key @returns {Promise<T | undefined>} */
  async get(key) {
    return this.#here.get(key) ?? (await this.#do('readonly', (store) => store.get(key)));
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
    return (await this.#do('readonly', (store) => store.getAll())) ?? [...this.#here.values()];
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
