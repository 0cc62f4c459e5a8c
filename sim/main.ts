// The simulator on the command line: `node sim/main.ts --port 9090 --speed 20`. It prints its address, then each
// call.
import { parseArgs } from 'node:util';
import { type SimOptions, startSim, TURNSTILE_SECRET } from './index.ts';

const USAGE = `Usage: node sim/main.ts [options]

  --port N          default 9090; 0 takes a free one
  --speed N         simulated seconds per second, default 1 (a video takes 60)
  --key KEY         API key
  --secret SECRET   API secret
  --no-secret       a project that takes the key alone
  --model NAME      default minimax/hailuo-2-3
  --max-active N    unfinished tasks at most

While it runs, /control/calls and /control/tasks show what came, and JSON is taken at /control/speed {"speed": 5},
/control/script {"prompt": "boat", "faults": {"holdAt": "task_start"}}, /control/release {"task": "its id"} and
/control/solve {"hostname": "localhost"}, which passes a challenge of Turnstile's and gives its token.
`;

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '9090' },
    speed: { type: 'string', default: '1' },
    key: { type: 'string' },
    secret: { type: 'string' },
    'no-secret': { type: 'boolean' },
    model: { type: 'string' },
    'max-active': { type: 'string' },
    help: { type: 'boolean' },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit();
}

const options: SimOptions = {
  port: Number(values.port),
  speed: Number(values.speed),
  onCall: ({ method, path, status, refused }) => {
    console.log(`${method} ${path} ${status || '—'}${refused ? ` refused: ${refused}` : ''}`);
  },
};
if (values.key) options.apiKey = values.key;
if (values.secret) options.apiSecret = values.secret;
if (values['no-secret']) options.apiSecret = null;
if (values.model) options.model = values.model;
if (values['max-active']) options.maxActive = Number(values['max-active']);

const sim = await startSim(options);
console.log(`WIRO_API_URL=${sim.apiUrl}
WIRO_SOCKET_URL=${sim.socketUrl}
OUTPUT_HOSTS=${sim.cdnHost}
WIRO_API_KEY=${sim.apiKey}`);
if (sim.apiSecret) console.log(`WIRO_API_SECRET=${sim.apiSecret}`);
console.log(`TURNSTILE_VERIFY_URL=${sim.verifyUrl}
TURNSTILE_SECRET=${TURNSTILE_SECRET}`);
console.log(
  `control: ${sim.url}/control/calls, /control/tasks, /control/script, /control/release, /control/solve, /control/speed`,
);

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void sim.close());
