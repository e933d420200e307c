import { fileURLToPath } from 'node:url';
import type { Part } from './part.ts';
import { saysOk, stages } from './part.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface ServiceAddresses {
  readonly api: string;
  readonly gateway: string;
  readonly worker: string;
}

/** Returns Perennial's own three processes. Each gets only the settings and secrets that it needs. */
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
  // There is only one gateway and no load balancer that would need time to notice its stop, so it does not drain.
  const gateway = service(
    'gateway',
    { ...shared, PERENNIAL_GATEWAY_DRAIN: '0s' },
    `${addresses.gateway}/v2/health/ready`,
  );
  return {
    // Work in progress gets time to finish or to be handed back.
    worker: { ...worker, patienceMs: 12_000 },
    api,
    // The gateway needs time to seal and hand over its prediction log.
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
