// Schemathesis: requests made from /openapi.json, valid and invalid ones, alone and in sequences; each answer is compared
// with what the document says of it.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ALICE, CLIENT_TOKENS } from '../worker/support/clients.ts';
import { type Service, type ServiceOptions, startService } from '../worker/support/service.ts';
import { type Ended, hasPython, runTool } from './python.ts';

const HOOKS = fileURLToPath(new URL('schemathesis_hooks.py', import.meta.url));
const CONFIGURATION = fileURLToPath(new URL('schemathesis.toml', import.meta.url));
const LINK = 'https://pictures.example.com/heron.png';

const EVENT = {
  type: 'object',
  required: ['id', 'event', 'data'],
  properties: {
    id: { type: 'string', pattern: '^[0-9]+$' },
    event: { enum: ['video', 'log'] },
    data: { type: 'string', pattern: '^\\{' },
  },
};

export const hasSchemathesis = hasPython('schemathesis');

export interface Effort {
  seed: number;
  /** Requests for each operation in each phase, and sequences of requests. */
  examples: number;
}

const OPERATOR_TOKEN = 'operator-token-5a0f3d9e7c1b28460d93';

/** A fast stand-in, and a client without limits. */
const SERVICE: ServiceOptions = { sim: { speed: 3000 }, secrets: { CLIENT_TOKENS, OPERATOR_TOKEN } };

/** Starts a service and lets Schemathesis test it. Throws if a secret has left the Worker, or if it panicked. */
export async function schemathesis({ seed, examples }: Effort): Promise<Ended> {
  const service = await startService(SERVICE);
  const folder = await mkdtemp(join(tmpdir(), 'hailuo-schemathesis-'));
  try {
    const document = join(folder, 'openapi.json');
    await writeFile(document, JSON.stringify(await offeredDocument(service)));
    const configuration = join(folder, 'schemathesis.toml');
    const common = await readFile(CONFIGURATION, 'utf8');
    await writeFile(configuration, `hooks = '${HOOKS}'\n${common.replace('OPERATOR_TOKEN', OPERATOR_TOKEN)}`);
    const effort = ['--seed', `${seed}`, '--max-examples', `${examples}`];
    const client = ['--url', service.origin, '--header', `Authorization: Bearer ${ALICE}`];
    const args = ['--config-file', configuration, 'run', ...effort, ...client, document];
    return await runTool('schemathesis', args, folder);
  } finally {
    await service.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The document, with the rules that it leaves open: the values that the model offers, and that two names of one
 * parameter must have the same value. Without them, Schemathesis would take refused values for valid ones.
 */
async function offeredDocument(service: Service): Promise<object> {
  const document = await (await service.fetch('/openapi.json')).json();
  const { VideoRequest, VideoForm } = document.components.schemas;
  // This service has clients: it refuses requests without a token.
  document.security = [{ clientToken: [] }];
  offer(VideoRequest.properties, {
    resolution: ['768P', '768p', null],
    duration: [6, '6', null],
    seconds: [6, '6', null],
    size: ['1366x768', null],
    model: ['hailuo-2.3', 'HAILUO-2.3', 'minimax/hailuo-2-3', null],
    inputImageFirstUrl: [LINK, null],
    input_reference: [LINK, { image_url: LINK }, null],
    inputImageLastUrl: [null],
    callback_url: [null],
  });
  offer(VideoForm.properties, {
    resolution: ['768P', '768p'],
    duration: ['6'],
    seconds: ['6'],
    size: ['1366x768'],
    model: ['hailuo-2.3', 'HAILUO-2.3', 'minimax/hailuo-2-3'],
    metadata: ['{}', '{"shelf":"7"}'],
    callback_url: [''],
  });
  // Schemathesis reads `prefixItems` as `items`, and compares each event, not the stream, with the schema.
  const { capabilities } = document.components.schemas.Model.properties;
  capabilities.properties.combinations.items = { items: { type: ['string', 'integer', 'null'] } };
  const events = document.paths['/v1/videos/{id}/events'].get.responses['200'];
  events.content['text/event-stream'] = { schema: EVENT };
  // One first frame, and no last one.
  for (const name of Object.keys(VideoForm.properties)) {
    if (/^input(?!ImageFirst$)/.test(name)) delete VideoForm.properties[name];
  }
  return document;
}

function offer(properties: Record<string, object>, values: Record<string, unknown[]>): void {
  for (const [name, allowed] of Object.entries(values)) properties[name] = { enum: allowed };
}
