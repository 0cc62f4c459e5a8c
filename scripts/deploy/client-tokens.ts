// What CLIENT_TOKENS says that the Worker accepts although it is hardly meant: a client twice, a token that is short
// enough to guess.

export const MIN_TOKEN_CHARACTERS = 16;

/** `clients`: the JSON text, or the table of a settings file. */
export function clientWarnings(clients: unknown): string[] {
  const named = typeof clients === 'string' ? parsed(clients) : clients;
  if (typeof named !== 'object' || named === null) return [];
  const short = Object.entries(named).filter(([, client]) => tokensOf(client).some(isShort));
  const hint = 'make one with: openssl rand -hex 16';
  return short.map(
    ([name]) =>
      `CLIENT_TOKENS: ${name} has a token of fewer than ${MIN_TOKEN_CHARACTERS} characters; ${hint}`,
  );
}

/** JSON keeps only the last of two members with one name: the other client would be locked out. */
export function clientProblems(clients: unknown): string[] {
  if (typeof clients !== 'string' || parsed(clients) === undefined) return [];
  const names = memberNames(clients);
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  return [...twice].map((name) => `CLIENT_TOKENS names ${name} twice; only the last one would count`);
}

const isShort = (token: unknown) => typeof token === 'string' && [...token].length < MIN_TOKEN_CHARACTERS;

function tokensOf(client: unknown): unknown[] {
  if (Array.isArray(client)) return client;
  if (typeof client !== 'object' || client === null) return [client];
  return tokensOf((client as { token?: unknown }).token ?? []);
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // The Worker refuses it.
    return undefined;
  }
}

/** The names of the outermost object's members, in order. `json` is valid. */
function memberNames(json: string): string[] {
  const names: string[] = [];
  let depth = 0;
  for (const { 0: token, index } of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    else if (depth === 1 && /^\s*:/.test(json.slice(index + token.length))) names.push(JSON.parse(token));
  }
  return names;
}
