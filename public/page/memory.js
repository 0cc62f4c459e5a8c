// Storage in this browser: small values in localStorage, images in IndexedDB. If neither is available (in some private
// windows), values are kept in memory until the page is closed.

/** Values that could not be written to localStorage. @type {Map<string, string>} */
const fallback = new Map();

/**
 * Reads a stored value. A value that fails the check is deleted.
 * @template T @param {string} name @param {(value: any) => value is T} isValid @returns {T | null}
 */
export function recall(name, isValid) {
  try {
    const value = JSON.parse(fallback.get(name) ?? localStorage.getItem(name) ?? 'null');
    if (value === null || isValid(value)) return value;
  } catch {
    // Not JSON, or no storage.
  }
  remember(name, null);
  return null;
}

/** @param {string} name @param {unknown} value  null deletes it */
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

/** A table of IndexedDB. A value that fails the check is deleted when it is read. @template T */
export class Shelf {
  /** @type {Map<string, T>} */
  #memory = new Map();
  #isValid;

  /** @param {'posters' | 'outbox' | 'draft'} name @param {(value: any, key: string) => boolean} isValid */
  constructor(name, isValid) {
    this.name = name;
    this.#isValid = isValid;
  }

  /** @param {string} key @returns {Promise<T | undefined>} */
  async get(key) {
    const value = this.#memory.get(key) ?? (await this.#do('readonly', (store) => store.get(key)));
    if (value === undefined || this.#isValid(value, key)) return value;
    await this.delete(key);
    return undefined;
  }

  /** Stores a value; resolves when it is on disk. @param {string} key @param {T} value */
  async put(key, value) {
    this.#memory.set(key, value);
    await this.#do('readwrite', (store) => store.put(value, key));
  }

  /** @param {string} key */
  async delete(key) {
    this.#memory.delete(key);
    await this.#do('readwrite', (store) => store.delete(key));
  }

  /** @returns {Promise<T[]>} */
  async all() {
    /** @type {string[]} */
    const keys = (await this.#do('readonly', (store) => store.getAllKeys())) ?? [...this.#memory.keys()];
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
