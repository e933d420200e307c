import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { ComposeFile, Service } from '../../stack/compose-file.ts';
import { interpolateDocument, parseComposeFile } from '../../stack/compose-file.ts';

export interface Project {
  /** The services, with variables interpolated. */
  readonly services: ReadonlyMap<string, Service>;
  readonly volumes: ComposeFile['volumes'];
  readonly activeProfiles: ReadonlySet<string>;
}

/** Reads a folder's Compose file and .env. The caller's environment takes precedence over .env, as in Compose. */
export function readProject(folder: string, environment: Readonly<Record<string, string | undefined>>): Project {
  const values = { ...readDotEnv(folder), ...defined(environment) };
  const document: unknown = parse(readFileSync(join(folder, 'docker-compose.yml'), 'utf8'), { merge: true });
  const { services, volumes } = parseComposeFile(interpolateDocument(document, values));
  const profiles = (values.COMPOSE_PROFILES ?? '').split(',').filter((name) => name !== '');
  return { services: new Map(Object.entries(services)), volumes, activeProfiles: new Set(profiles) };
}

function readDotEnv(folder: string): Record<string, string> {
  const lines = readFileSync(join(folder, '.env'), 'utf8').split('\n');
  return Object.fromEntries(
    lines
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

function defined(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

/** Returns the named services, or all services with an active profile, and their dependencies if wanted. */
export function selectServices(project: Project, named: readonly string[], dependencies: boolean): Set<string> {
  const selected = new Set<string>();
  const add = (name: string): void => {
    const service = project.services.get(name);
    if (service === undefined) throw new Error(`no such service: ${name}`);
    selected.add(name);
    if (dependencies) for (const dependency of Object.keys(service.depends_on)) add(dependency);
  };
  const isActive = ({ profiles }: Service): boolean =>
    profiles.length === 0 || profiles.some((profile) => project.activeProfiles.has(profile));
  if (named.length > 0) named.forEach(add);
  else for (const [name, service] of project.services) if (isActive(service)) add(name);
  return selected;
}
