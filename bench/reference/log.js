// Structured logs: one JSON object a line.

const write = (out, level) => (message, fields) => out(JSON.stringify({ level, message, ...fields }));

export const log = {
  info: write(console.log, 'info'),
  warn: write(console.warn, 'warn'),
  error: write(console.error, 'error'),
};
