import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

const Service = z.object({
  image: z.string(),
  build: z.string().optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  restart: z.string(),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
});
const ComposeFile = z.object({
  services: z.record(z.string(), Service),
  volumes: z.record(z.string(), z.null()),
});
export type ComposeFile = z.infer<typeof ComposeFile>;

export const composeText = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8');

/** As Compose itself reads it before it looks at what it means. */
export function composeDocument(): unknown {
  return parse(composeText, { merge: true });
}

export function composeFile(): ComposeFile {
  return ComposeFile.parse(composeDocument());
}

/** `${NAME:?why}`: the value, or a refusal to start. */
export const wanted = /\$\{([A-Z0-9_]+):\?[^}]*\}/g;

export function interpolate(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(wanted, (_whole, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${name} is not set`);
    return value;
  });
}
