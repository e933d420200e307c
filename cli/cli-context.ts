import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { PerennialError } from '../contracts/errors.ts';
import { ApiClient } from './api-client.ts';
import type { Output } from './output.ts';
import { throughProxy } from './through-proxy.ts';

/** The stack file, in which the running embedded stack describes itself. */
const StackFile = z
  .object({
    pid: z.number().int(),
    state: z.enum(['starting', 'ready']),
    api: z.string(),
    gateway: z.string(),
    temporalUi: z.string().nullish(),
    temporal: z.string().nullish(),
  })
  .loose();
export type StackFile = z.infer<typeof StackFile>;
const KeysFile = z.object({ admin: z.string(), operator: z.string(), approver: z.string() }).loose();

export type Acting = 'operator' | 'approver' | 'admin';

export interface GlobalOptions {
  readonly json: boolean;
  readonly project: string;
  readonly environment: string;
  /**
   * The environment, if the caller named one. It restricts lists that otherwise cover all environments, and it takes
   * precedence over the configuration's own.
   */
  readonly environmentGiven?: string | undefined;
  readonly model?: string | undefined;
  readonly url?: string | undefined;
  readonly key?: string | undefined;
  readonly yes: boolean;
}

/** Context of every verb, built once from the environment variables and the global options. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly output: Output;
  readonly options: GlobalOptions;
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: NodeJS.WriteStream;
}

export function homeOf(env: Readonly<Record<string, string | undefined>>): string {
  return resolve(env['PERENNIAL_HOME'] ?? '.perennial');
}

export function readStackFile(home: string): StackFile | undefined {
  return readJson(join(home, 'stack.json'), StackFile);
}

function readJson<Schema extends z.ZodType>(path: string, schema: Schema): z.infer<Schema> | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    // The file is absent, or half-written while the stack starts. Both mean that there is nothing to read yet.
    return undefined;
  }
}

/**
 * Returns a client of the API that was named, or else of the embedded stack under PERENNIAL_HOME, with the key of the
 * principal that may do this.
 */
export function apiOf(context: CliContext, acting: Acting = 'operator'): ApiClient {
  const { env, options, home } = context;
  const stack = readStackFile(home);
  const url = options.url ?? env['PERENNIAL_URL'] ?? stack?.api;
  if (url === undefined)
    throw new PerennialError(
      'not-found',
      `no stack runs in ${home} and PERENNIAL_URL is not set; start one with perennial up`,
      { home },
    );
  if (!URL.canParse(url))
    throw new PerennialError('invalid-request', `"${url}" is not the address of an API, e.g. http://127.0.0.1:7400`, {
      url,
    });
  // The embedded stack's keys are sent to the embedded stack only, never to another address that was named.
  const own = sameAddress(url, stack?.api) ? readJson(join(home, 'keys.json'), KeysFile)?.[acting] : undefined;
  const key = options.key ?? env['PERENNIAL_KEY'] ?? own;
  if (key === undefined)
    throw new PerennialError('unauthenticated', `there is no API key for ${url}: set PERENNIAL_KEY or use --key`, {
      url,
    });
  return new ApiClient(url, { key, project: options.project, proxy: throughProxy(url, env) });
}

function sameAddress(url: string, api: string | undefined): boolean {
  return api !== undefined && new URL(url).origin === new URL(api).origin;
}

/** Returns `--model`, or else the name in ./perennial.yaml. */
export function modelOf(context: CliContext): string {
  const { model } = context.options;
  if (model !== undefined) return model;
  const named = nameInFile('perennial.yaml');
  if (named !== undefined) return named;
  throw new PerennialError(
    'invalid-request',
    'no model is selected; use --model NAME, or run the command in a folder that has a perennial.yaml',
    {},
  );
}

function nameInFile(path: string): string | undefined {
  try {
    return /^name:\s*["']?([a-z0-9-]+)/m.exec(readFileSync(path, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

export function modelPath(context: CliContext, rest = ''): string {
  return `/v1/models/${encodeURIComponent(modelOf(context))}${rest}`;
}
