import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import { PerennialError, reasonOf } from '../contracts/errors.ts';
import { writeWholeSync } from '../files/write-whole.ts';

/** The files and folders of one embedded stack, below PERENNIAL_HOME. */
export interface StateFolder {
  readonly home: string;
  readonly lock: string;
  readonly stackFile: string;
  readonly keysFile: string;
  readonly secretsFile: string;
  readonly portsFile: string;
  readonly processesFile: string;
  readonly logs: string;
  readonly postgres: string;
  readonly temporal: string;
}

export function openStateFolder(path: string): StateFolder {
  const home = resolve(path);
  const logs = join(home, 'logs');
  const temporal = join(home, 'temporal');
  for (const folder of [home, logs, temporal]) makeFolder(folder);
  return {
    home,
    lock: join(home, 'lock'),
    stackFile: join(home, 'stack.json'),
    keysFile: join(home, 'keys.json'),
    secretsFile: join(home, 'secrets.json'),
    portsFile: join(home, 'ports.json'),
    processesFile: join(home, 'processes.json'),
    logs,
    postgres: join(home, 'postgres'),
    temporal,
  };
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (caught) {
    const message = `${path} is not writable (${reasonOf(caught)}): set PERENNIAL_HOME to a writable folder`;
    throw new PerennialError('invalid-setting', message, { path }, { cause: caught });
  }
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * Reads a state file; undefined if it does not exist. A file that cannot be parsed is an error that names it, and is
 * never replaced.
 */
export function readStateFile<Schema extends z.ZodType>(path: string, schema: Schema): z.infer<Schema> | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (caught) {
    if (caught instanceof Error && 'code' in caught && caught.code === 'ENOENT') return undefined;
    throw caught;
  }
  const parsed = schema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  const message = `${path} has invalid content: restore the file, or remove it if its content is no longer needed`;
  throw new PerennialError('invalid-setting', message, { path });
}

/** Writes the file atomically and readable by its owner only. */
export function writeStateFile(path: string, content: unknown): void {
  const draft = join(dirname(path), `.${process.pid}.draft`);
  writeWholeSync(path, `${JSON.stringify(content, null, 2)}\n`, { draft, mode: 0o600 });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
