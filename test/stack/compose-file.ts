import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

/**
 * Removes variables without a value. Compose takes their values from the shell or .env, and leaves them out if neither
 * has one.
 */
function withoutUnset(variables: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
}

const Condition = z.object({ condition: z.enum(['service_healthy', 'service_completed_successfully']) });
const Service = z.object({
  image: z.string(),
  build: z.string().optional(),
  entrypoint: z.array(z.string()).default([]),
  command: z.array(z.string()).default([]),
  profiles: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), Condition).default({}),
  environment: z.record(z.string(), z.string().nullable()).default({}).transform(withoutUnset),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  restart: z.string(),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  stop_grace_period: z.string().default('10s'),
});
export type Service = z.infer<typeof Service>;
const ComposeFile = z.object({
  services: z.record(z.string(), Service),
  volumes: z.record(z.string(), z.null()),
});
export type ComposeFile = z.infer<typeof ComposeFile>;

export const composeText = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8');

/** Parses the file as Compose does before interpolation. */
export function composeDocument(): unknown {
  return parse(composeText, { merge: true });
}

export function composeFile(): ComposeFile {
  return parseComposeFile(composeDocument());
}

export function parseComposeFile(document: unknown): ComposeFile {
  return ComposeFile.parse(document);
}

/** Matches `${NAME:?why}`, which Compose replaces by the value, or refuses to start if there is none. */
export const wanted = /\$\{([A-Z0-9_]+):\?[^}]*\}/g;

/**
 * Interpolates each string of the parsed document. Compose also parses first, so a value cannot change the structure.
 */
export function interpolateDocument(document: unknown, values: Readonly<Record<string, string>>): unknown {
  if (typeof document === 'string') return interpolate(document, values);
  if (Array.isArray(document)) return document.map((part) => interpolateDocument(part, values));
  if (typeof document !== 'object' || document === null) return document;
  const entries = Object.entries(document).map(([key, part]) => [key, interpolateDocument(part, values)] as const);
  return Object.fromEntries(entries);
}

export function interpolate(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(wanted, (_whole, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${name} is not set`);
    return value;
  });
}
