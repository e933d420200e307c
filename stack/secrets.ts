import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type StateFolder, readStateFile, writeStateFile } from './state-folder.ts';

const Key = z.string().min(32);
const Keys = z.object({ schemaVersion: z.literal(1), admin: Key, operator: Key, approver: Key });
const Secrets = z.object({ schemaVersion: z.literal(1), postgresPassword: z.string().min(16), secret: Key });

export type Keys = z.infer<typeof Keys>;
export type Secrets = z.infer<typeof Secrets>;

/** Returns the stack's secrets. They are created at the first start and never change. */
export function secretsOf(folder: StateFolder): Secrets {
  return (
    readStateFile(folder.secretsFile, Secrets) ??
    written(folder.secretsFile, { schemaVersion: 1, postgresPassword: random(), secret: random() })
  );
}

/** Returns the keys of the stack's own people. An administrator's key from outside replaces the generated one. */
export function keysOf(folder: StateFolder, given: { readonly admin?: string }): Keys {
  const known =
    readStateFile(folder.keysFile, Keys) ??
    written(folder.keysFile, { schemaVersion: 1, admin: newKey(), operator: newKey(), approver: newKey() });
  if (given.admin === undefined || given.admin === known.admin) return known;
  return written(folder.keysFile, { ...known, admin: given.admin });
}

function written<Content>(path: string, content: Content): Content {
  writeStateFile(path, content);
  return content;
}

function random(): string {
  return randomBytes(32).toString('hex');
}

function newKey(): string {
  return `pk_${random()}`;
}
