// The Worker in a process of its own, on storage that outlives it: `standalone.ts PORT STORAGE BINDINGS`, the bindings as
// JSON. Prints what the Worker logs, and "Ready on" when it answers; SIGTERM ends it.
import { startWorker } from './runtime.ts';

const [port, storage = '', bindings = ''] = process.argv.slice(2);
const { miniflare, origin } = await startWorker(JSON.parse(bindings), {
  port: Number(port),
  storage,
  onLog: (message) => console.log(message),
});
process.once('SIGTERM', () => void miniflare.dispose().then(() => process.exit()));
console.log(`Ready on ${origin}`);
