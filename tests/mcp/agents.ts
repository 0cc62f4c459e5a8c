// The two official clients of the Model Context Protocol, connected to the built Worker.
import {
  Client as Client2,
  StreamableHTTPClientTransport as Transport2,
  type VersionNegotiationMode,
} from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Service } from '../worker/support/service.ts';
import type { Video } from '../worker/support/types.ts';

export const VERSIONS = ['2026-07-28', '2025-11-25', '2025-06-18'] as const;
export type Version = (typeof VERSIONS)[number];

export interface Progress {
  progress: number;
  total?: number | undefined;
  message?: string | undefined;
}

export interface CallOptions {
  onprogress?: (progress: Progress) => void;
  signal?: AbortSignal;
}

export interface Block {
  type: string;
  text?: string;
  uri?: string;
  mimeType?: string;
  name?: string;
}

export interface Result {
  content: Block[];
  structuredContent?: unknown;
  isError?: boolean | undefined;
}

export interface Schema {
  properties?: Record<string, unknown> | undefined;
}

/** A connected client of either package. */
export interface Agent {
  version: string | undefined;
  server: { name: string; version: string } | undefined;
  instructions: string | undefined;
  tools(): Promise<{ name: string; inputSchema: Schema; outputSchema?: object | undefined }[]>;
  call(name: string, args?: Record<string, unknown>, options?: CallOptions): Promise<Result>;
  close(): Promise<void>;
}

const INFO = { name: 'test-agent', version: '1.0.0' };

const endpoint = (service: Service) => new URL('/mcp', service.origin);

/** Sends requests with the token of this service's client; its answers are searched for secrets. */
const fetchOf = (service: Service) => (url: string | URL, init?: RequestInit) =>
  service.fetch(new URL(url).pathname, init);

/** `@modelcontextprotocol/client`, which speaks all versions. */
export async function connect(service: Service, version?: Version): Promise<Agent> {
  const modes: Record<Version, VersionNegotiationMode> = {
    '2026-07-28': { pin: '2026-07-28' },
    '2025-11-25': 'legacy',
    '2025-06-18': 'legacy',
  };
  const client = new Client2(INFO, {
    versionNegotiation: { mode: version ? modes[version] : 'auto' },
    ...(version === undefined || version === '2026-07-28' ? {} : { supportedProtocolVersions: [version] }),
  });
  const transport = new Transport2(endpoint(service), { fetch: fetchOf(service) });
  await client.connect(transport);
  return {
    version: client.getNegotiatedProtocolVersion(),
    server: client.getServerVersion(),
    instructions: client.getInstructions(),
    tools: async () => (await client.listTools()).tools,
    call: async (name, args = {}, options = {}) =>
      (await client.callTool({ name, arguments: args }, options)) as Result,
    close: () => client.close(),
  };
}

/** `@modelcontextprotocol/sdk`. It always asks for 2025-11-25; for another version its `initialize` is changed on its way. */
export async function connectSdk(
  service: Service,
  version: Exclude<Version, '2026-07-28'> = '2025-11-25',
): Promise<Agent> {
  const client = new Client1(INFO);
  const send = fetchOf(service);
  const transport = new Transport1(endpoint(service), {
    fetch: (url, init) => {
      const body = typeof init?.body === 'string' ? init.body.replace('"2025-11-25"', `"${version}"`) : null;
      return send(url, { ...init, body });
    },
  });
  // Its own types do not agree under exactOptionalPropertyTypes.
  await client.connect(transport as Parameters<Client1['connect']>[0]);
  return {
    version: transport.protocolVersion,
    server: client.getServerVersion(),
    instructions: client.getInstructions(),
    tools: async () => (await client.listTools()).tools,
    call: async (name, args = {}, options = {}) =>
      (await client.callTool({ name, arguments: args }, undefined, options)) as Result,
    close: () => client.close(),
  };
}

export function videoOf({ structuredContent }: Result): Video {
  return structuredContent as Video;
}

export const textOf = ({ content }: Result): string =>
  content.find(({ type }) => type === 'text')?.text ?? '';

export const linkOf = ({ content }: Result): Block | undefined =>
  content.find(({ type }) => type === 'resource_link');
