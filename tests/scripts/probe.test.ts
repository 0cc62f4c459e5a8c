// `make probe` against the stand-in: what it prints, what its file holds, and how it exits.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { probe } from '../../scripts/probe/probe.ts';
import { Redactor } from '../../scripts/probe/redact.ts';
import { type ProbeSettings, readSettings } from '../../scripts/probe/settings.ts';
import { settingsFor } from '../../scripts/shared/stand-in.ts';
import { root } from '../../scripts/shared/worker-process.ts';
import { type Generation, REFUSALS, type Sim, type SimOptions, startSim } from '../../sim/index.ts';

const MODEL = 'minimax/hailuo-2-3';
const SPEED = 60;

let sim: Sim;
let folder: string;

/** The probe's questions are compiled first, which takes minutes on a new machine. */
beforeAll(() => {
  execFileSync('cargo', ['build', '--quiet', '--locked', '--example', 'describe_model'], { cwd: root });
}, 600_000);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'probe-'));
});

afterEach(async () => {
  await sim.close();
  rmSync(folder, { recursive: true });
});

async function start(generation: Generation, options: SimOptions = {}): Promise<void> {
  sim = await startSim({ models: { [MODEL]: { generation } }, speed: SPEED, ...options });
}

/** The exit code, the output and the file's content. */
async function probed(changes: Partial<ProbeSettings> = {}) {
  const lines: string[] = [];
  const settings = {
    ...readSettings(settingsFor(sim), ''),
    models: [MODEL],
    file: join(folder, 'probe.json'),
    ...changes,
  };
  const exitCode = await probe(settings, (line) => lines.push(line));
  const file = readFileSync(settings.file, 'utf8');
  const { differences, problems } = JSON.parse(file) as { differences: string[]; problems: string[] };
  return { exitCode, printed: lines.join('\n'), file, differences, problems };
}

function expectNoSecret(...texts: string[]): void {
  const secrets = sim.secrets();
  expect(secrets.length).toBeGreaterThan(3);
  for (const text of texts) expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
}

test('a model of the generation "combined" has one field for a file and a URL', async () => {
  await start('combined');
  const { exitCode, printed, file, differences, problems } = await probed();
  expect(problems).toEqual([]);
  expect(exitCode).toBe(0);
  expect(printed).toContain('Access by key and signature: accepted');
  expect(printed).toMatch(/inputImageFirst \(file\) +inputImage +no/);
  expect(printed).toMatch(/inputImageFirst \(link\) +inputImage +no/);
  expect(printed).toMatch(/inputImageLast \(file\) +not sent/);
  expect(printed).toMatch(/duration +duration +yes +6, 10 +6/);
  expect(printed).toMatch(/1080P +6 +\$0\.49 \(Wiro\)/);
  expect(printed).toContain('File/Upload into the folder');
  expect(differences.join('\n')).toContain(
    'first_frame is inputImage (combined, optional); built in is inputImageFirst (file_and_url, optional)',
  );
  expect(sim.tasks).toEqual([]);
  expect(sim.rejections()).toEqual([]);
  expectNoSecret(printed, file);
});

test('a model of the generation "fileinput" has a separate field for a URL', async () => {
  await start('fileinput', {
    models: { [MODEL]: { generation: 'fileinput', lastFrame: true, prices: null } },
  });
  const { exitCode, printed, differences } = await probed();
  expect(exitCode).toBe(0);
  expect(printed).toMatch(/inputImageFirst \(file\) +inputImage +no/);
  expect(printed).toMatch(/inputImageFirst \(link\) +inputImageUrl +no/);
  expect(printed).toMatch(/inputImageLast \(link\) +inputImage2Url +no/);
  expect(differences.filter((line) => line.includes('no price is known'))).toHaveLength(3);
});

test('a model of the generation "seed" has no description', async () => {
  await start('seed', { apiSecret: null });
  const { exitCode, printed, differences } = await probed();
  expect(exitCode).toBe(0);
  expect(printed).toContain('Access by the key alone');
  expect(printed).toMatch(/inputImageFirst \(link\) +inputImageFirstUrl/);
  expect(differences).toEqual([`${MODEL}: Wiro tells no parameters; those that are built in are used`]);
});

test('RUN=1 follows the cheapest video by Detail, socket and callback', async () => {
  await start('combined');
  const { exitCode, printed, file, problems } = await probed({ run: true });
  expect(problems).toEqual([]);
  expect(exitCode).toBe(0);
  expect(printed).toContain('A video of 768P 6 s is made now. It costs $0.28 (Wiro).');
  expect(printed).toMatch(/Socket: \d+ messages, the end among them/);
  expect(printed).toMatch(/Callback: \d+ characters/);
  expect(printed).toContain('Task/Detail: succeeded; charged: $0.28');
  expect(printed).toContain('Parameters in Task/Detail: shown, with the picture');
  expect(printed).toMatch(/Video: \d+ bytes from 127\.0\.0\.1:\d+, an MP4/);
  expect(sim.tasks).toHaveLength(1);
  expect(sim.rejections()).toEqual([]);
  expectNoSecret(printed, file);
  // The next probe sees the row of that task, without its prompt.
  const next = await probed();
  expect(next.printed).toContain(
    'rows tell callbackurl, parameters, modelslugowner, modelslugproject, createtime',
  );
  expect(next.file).not.toContain('evening sky');
  expectNoSecret(next.printed, next.file);
  sim.listCallbackUrl = false;
  expect((await probed()).differences.join('\n')).toContain('rows of Task/List lack callbackurl');
});

test('RUN=1 refuses an unknown price and a price above MAX_USD', async () => {
  await start('combined', { models: { [MODEL]: { generation: 'combined', prices: [] } } });
  const unknown = await probed({ run: true });
  expect(unknown.exitCode).toBe(1);
  expect(unknown.problems.join('\n')).toContain('MAX_USD');
  sim.setModel(MODEL, { generation: 'combined' });
  const expensive = await probed({ run: true, maxUsd: 0.2 });
  expect(expensive.exitCode).toBe(1);
  expect(expensive.problems.join('\n')).toContain('the cheapest costs $0.28, more than MAX_USD');
  expect(sim.tasks).toEqual([]);
});

test('a failed job is a problem', async () => {
  await start('combined');
  sim.script('', { task: { pexit: '1' } });
  const { exitCode, problems } = await probed({ run: true });
  expect(exitCode).toBe(1);
  expect(problems.join('\n')).toContain('the job ended without a video: pexit is not 0');
});

test('a wrong key, a wrong secret and no secret give different messages', async () => {
  await start('combined');
  for (const [changes, advice] of [
    [{ key: 'another-key-of-nobody' }, 'wrong key'],
    [{ secret: 'another-secret-of-nobody' }, 'wrong secret'],
    [{ secret: '' }, 'no secret'],
  ] as const) {
    const { exitCode, printed, file, problems } = await probed(changes);
    expect(exitCode).toBe(1);
    expect(problems.join('\n')).toContain(advice);
    for (const secret of Object.values(changes).filter(Boolean)) expect(printed + file).not.toContain(secret);
  }
  expect(sim.callsTo('/Tool/Detail')).toEqual([]);
});

test.each([
  [REFUSALS.ipNotAllowed, 'its IP allow-list must be off'],
  [REFUSALS.suspended, 'it is suspended'],
  [{ kind: 'status', status: 502 }, 'HTTP 502'],
] as const)('a refused account gives the reason: %o', async (refusal, advice) => {
  await start('combined');
  sim.script('', { list: [refusal] });
  const { exitCode, problems, file } = await probed();
  expect(exitCode).toBe(1);
  expect(problems.join('\n')).toContain(advice);
  expect(file).not.toContain('203.0.113.7');
});

test('refused folders are a difference, and uploads work without one', async () => {
  await start('combined', { refusesFolders: true });
  const { exitCode, printed, differences, problems, file } = await probed();
  expect(problems).toEqual([]);
  expect(exitCode).toBe(0);
  expect(printed).toContain('FolderCreate: refused');
  expect(printed).toContain('File/Upload without a folder');
  expect(differences.join('\n')).toContain('FolderCreate is refused');
  expectNoSecret(printed, file);
});

test('an unknown required parameter is a problem', async () => {
  const extra = [
    { id: 'style', type: 'text', required: true, defaultvalue: '', options: [], label: 'Style' },
  ];
  await start('combined', { models: { [MODEL]: { generation: 'combined', extra } } });
  const { exitCode, problems } = await probed();
  expect(exitCode).toBe(1);
  expect(problems.join('\n')).toContain('style is required, has no default and is not understood');
});

test('settings come from the environment, then .dev.vars, then wrangler.toml', async () => {
  await start('seed');
  const devVars = 'WIRO_API_KEY=from-dev-vars\nWIRO_API_SECRET=secret\n';
  const settings = readSettings({ WIRO_API_SECRET: '', RUN: '1', MAX_USD: '0.5' }, devVars);
  expect(settings).toMatchObject({
    key: 'from-dev-vars',
    secret: '',
    run: true,
    maxUsd: 0.5,
    models: [MODEL, `${MODEL}-fast`],
  });
  expect(settings.apiUrl).toBe('https://api.wiro.ai/v1');
  expect(() => readSettings({}, '')).toThrow('set WIRO_API_KEY');
  expect(() => readSettings({ WIRO_API_KEY: 'k', MAX_USD: 'much' }, '')).toThrow('MAX_USD');
});

test('CALLBACK_URL replaces the address of the callback', async () => {
  await start('combined');
  const { exitCode, printed } = await probed({ run: true, callbackUrl: 'http://127.0.0.1:9/mine' });
  expect(exitCode).toBe(0);
  expect(printed).toContain('look at what came to CALLBACK_URL');
  expect(sim.tasks.map(({ callbackUrl }) => callbackUrl)).toEqual(['http://127.0.0.1:9/mine']);
});

test('a missing callback and a failed socket are differences', async () => {
  await start('combined');
  sim.script('', { socket: 'refuse', callback: { body: 'empty' } });
  const { exitCode, differences } = await probed({ run: true });
  expect(exitCode).toBe(0);
  expect(differences).toContain('the socket did not tell the end');
  expect(differences).toContain('the callback names no task');
});

test('a value that is blanked in one answer is blanked in texts; names of parameters stay', async () => {
  await start('seed');
  const redactor = new Redactor(['the-secret']);
  const body = {
    id: '5345741',
    parameters: [{ items: [{ id: 'prompt' }] }],
    text: 'job 5345741 of the-secret at https://a.example/b/c?d=e from 203.0.113.7, balance of $12.34.',
    inner: '{"socketaccesstoken":"abcdefg"}',
  };
  expect(redactor.body('/Tool/Detail', JSON.stringify(body))).toEqual({
    id: '[blanked]',
    parameters: [{ items: [{ id: 'prompt' }] }],
    text: 'job [blanked] of [blanked] at https://a.example/[blanked] from [blanked], balance of [blanked].',
    inner: '{"socketaccesstoken":"[blanked]"}',
  });
});
