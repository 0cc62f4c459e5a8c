// Clients that CLIENT_TOKENS names twice. The Worker can only warn of them, where they count already.

/** JSON keeps only the last of two members with one name: the other client would be locked out. */
export function clientProblems(clients: unknown): string[] {
  if (typeof clients !== 'string' || parsed(clients) === undefined) return [];
  const names = memberNames(clients);
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  return [...twice].map((name) => `CLIENT_TOKENS names ${name} twice; only the last one would count`);
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
