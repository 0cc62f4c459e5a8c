// Why something failed, in one line.

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'ENOENT' && error.message === 'spawn wrangler ENOENT') {
    return 'wrangler is not on the PATH; use make, which puts it there';
  }
  // The error of `fetch` only says that it failed; its cause has the reason.
  const { cause } = error;
  const [line = ''] = error.message.split('\n');
  return cause instanceof Error && cause.message ? `${line}: ${cause.message}` : line;
}
