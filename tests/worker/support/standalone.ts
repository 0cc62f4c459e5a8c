// The Worker in its own process, on storage that survives it: `standalone.ts PORT STORAGE BINDINGS [BUNDLE]`, with the
// bindings as JSON. Prints the Worker's log, and "Ready on" when it answers. SIGTERM ends it.
import { startWorker } from './runtime.ts';

const [port, storage = '', bindings = '', bundle] = process.argv.slice(2);
const { miniflare, origin } = await startWorker(JSON.parse(bindings), {
  port: Number(port),
  storage,
  bundle,
  onLog: (message) => console.log(message),
});
process.once('SIGTERM', () => void miniflare.dispose().then(() => process.exit()));
console.log(`Ready on ${origin}`);
