import { fileURLToPath } from 'node:url';
import type { Part } from './part.ts';
import { saysOk, stages } from './part.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface ServiceAddresses {
  readonly api: string;
  readonly gateway: string;
  readonly worker: string;
}

/** Perennial's own three processes. Each is given what it needs to know and nothing more. */
export function services(
  addresses: ServiceAddresses,
  shared: Environment,
  secrets: { readonly adminKey: string; readonly secret: string },
): { readonly worker: Part; readonly api: Part; readonly gateway: Part } {
  const worker = service('worker', { ...shared, PERENNIAL_SECRET: secrets.secret }, `${addresses.worker}/readyz`);
  const api = service(
    'api',
    { ...shared, PERENNIAL_SECRET: secrets.secret, PERENNIAL_ADMIN_KEY: secrets.adminKey },
    `${addresses.api}/readyz`,
  );
  // A single gateway has no load balancer that would need time to notice that it stops.
  const gateway = service(
    'gateway',
    { ...shared, PERENNIAL_GATEWAY_DRAIN: '0s' },
    `${addresses.gateway}/v2/health/ready`,
  );
  return {
    // Work under way is given time to end or to be handed back.
    worker: { ...worker, patienceMs: 12_000 },
    api,
    // It seals and hands over what it has logged.
    gateway: { ...gateway, patienceMs: 8_000 },
  };
}

function service(name: 'worker' | 'api' | 'gateway', env: Environment, health: string): Part {
  const main = fileURLToPath(new URL(`../../${name}/main.ts`, import.meta.url));
  return {
    name,
    stage: stages[name],
    stopSignal: 'SIGTERM',
    patienceMs: 6_000,
    readyWithinMs: 60_000,
    command: () => Promise.resolve({ file: process.execPath, args: [main], env }),
    answers: () => saysOk(health),
  };
}
