// Blanks private data: keys, tokens, ids, addresses, and the prompts of earlier videos.

const BLANK = '[blanked]';

/** Names whose values identify the account or give access. */
const SECRET_NAME = /(token|key|secret|password|email|username|signature|nonce|id)$/i;
/** Text fields of a task. In the list they belong to videos that the probe has not made. */
const WRITTEN_NAMES = ['debugoutput', 'debugerror', 'description', 'name'];

export class Redactor {
  readonly #secrets = new Set<string>();

  constructor(secrets: string[]) {
    for (const secret of secrets) this.add(secret);
  }

  /** From now on this value is blanked everywhere. */
  add(secret: string): void {
    if (secret !== '') this.#secrets.add(secret);
  }

  /** An answer without private data. JSON stays JSON, also inside texts. */
  body(path: string, body: string): unknown {
    const value = parse(body);
    if (value === undefined) return this.text(body);
    this.#collect(value);
    return this.#value(path === '/Task/List' ? withoutWords(value) : value);
  }

  /** Blanks the probe's own output. */
  text(text: string): string {
    let shown = text;
    // The longest first, because one may contain another.
    for (const secret of [...this.#secrets].sort((a, b) => b.length - a.length)) {
      shown = shown.replaceAll(secret, BLANK);
    }
    return shown
      .replace(/\b((?:https?|wss?):\/\/[^/\s"'<>\\]+)\/[^\s"'<>\\]*/g, `$1/${BLANK}`)
      .replace(/\b\d{1,3}(\.\d{1,3}){3}\b(?!:\d)/g, BLANK)
      .replace(/balance of \$[\d.,]*\d/gi, `balance of ${BLANK}`);
  }

  #value(value: unknown, name = '', isParameter = false): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#value(item, name, isParameter));
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).map(([key, item]) => {
        // The `id` of a parameter is its name.
        return [key, this.#value(item, key, isParameter || key === 'parameters')];
      });
      return Object.fromEntries(entries);
    }
    if (isSecret(name, value, isParameter)) return BLANK;
    if (typeof value !== 'string') return value;
    const inner = parse(value);
    return inner === undefined ? this.text(value) : JSON.stringify(this.#value(inner, name, isParameter));
  }

  /**
   * A value that is blanked in one place is blanked in every text. Short numbers are left out, because they occur by
   * chance.
   */
  #collect(value: unknown, name = '', isParameter = false): void {
    if (typeof value === 'object' && value !== null) {
      const isList = Array.isArray(value);
      for (const [key, item] of Object.entries(value)) {
        this.#collect(item, isList ? name : key, isParameter || key === 'parameters');
      }
    } else if (isSecret(name, value, isParameter) && String(value).length >= 5) this.add(String(value));
  }
}

function isSecret(name: string, value: unknown, isParameter: boolean): boolean {
  const isFilled = (typeof value === 'string' && value !== '') || typeof value === 'number';
  return isFilled && !isParameter && value !== '0' && SECRET_NAME.test(name);
}

/** The rows of a list with the names of the parameters, but without their values. */
function withoutWords(value: unknown): unknown {
  const { tasklist, ...rest } = value as { tasklist?: unknown };
  if (!Array.isArray(tasklist)) return value;
  const rows = tasklist.map((row: unknown) => {
    if (typeof row !== 'object' || row === null) return row;
    const entries = Object.entries(row).map(([name, item]) => {
      if (name === 'parameters') return [name, withoutValues(item)];
      return [name, WRITTEN_NAMES.includes(name) && item ? BLANK : item];
    });
    return Object.fromEntries(entries);
  });
  return { ...rest, tasklist: rows };
}

function withoutValues(parameters: unknown): unknown {
  const isText = typeof parameters === 'string';
  const value = isText ? parse(parameters) : parameters;
  if (typeof value !== 'object' || value === null) return parameters;
  const blanked = Object.fromEntries(Object.keys(value).map((name) => [name, BLANK]));
  return isText ? JSON.stringify(blanked) : blanked;
}

function parse(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
