// Why something failed, in one line.

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'ENOENT' && error.message === 'spawn wrangler ENOENT') {
    return 'wrangler is not on the PATH; use make, which puts it there';
  }
  // What `fetch` throws says only that it failed.
  const { cause } = error;
  const [line = ''] = error.message.split('\n');
  return cause instanceof Error && cause.message ? `${line}: ${cause.message}` : line;
}
