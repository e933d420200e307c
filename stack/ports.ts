import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { z } from 'zod';
import { PerennialError } from '../contracts/errors.ts';
import type { StackSettings } from '../contracts/settings/settings.ts';
import { type StateFolder, readStateFile, writeStateFile } from './state-folder.ts';

const portNames = ['api', 'gateway', 'temporalUi', 'temporal', 'postgres', 'worker'] as const;
export type PortName = (typeof portNames)[number];
export type Ports = Readonly<Record<PortName, number>>;

const usual: Ports = { api: 7400, gateway: 7401, temporalUi: 7402, temporal: 7403, postgres: 7404, worker: 7405 };
const variables: Readonly<Record<PortName, keyof StackSettings>> = {
  api: 'PERENNIAL_API_PORT',
  gateway: 'PERENNIAL_GATEWAY_PORT',
  temporalUi: 'PERENNIAL_TEMPORAL_UI_PORT',
  temporal: 'PERENNIAL_TEMPORAL_PORT',
  postgres: 'PERENNIAL_POSTGRES_PORT',
  worker: 'PERENNIAL_WORKER_PORT',
};

const lowest = 10_000;
const highest = 32_000;
const attempts = 100;

const Remembered = z.object({ schemaVersion: z.literal(1), ports: z.partialRecord(z.enum(portNames), z.number()) });

/**
 * Chooses a free port for each part: the same one at every start as long as it is free. A port that was asked for and
 * is taken is an error that names it. Any other taken port is replaced and reported through `say`.
 */
export async function choosePorts(
  folder: StateFolder,
  settings: StackSettings,
  say: (sentence: string) => void,
): Promise<Ports> {
  const unused = unusedPorts(settings);
  const remembered = readStateFile(folder.portsFile, Remembered)?.ports ?? {};
  const chosen: Record<PortName, number> = { ...usual };
  const taken = new Set<number>();
  for (const name of portNames.filter((candidate) => !unused.includes(candidate))) {
    chosen[name] = await choosePort(name, settings[variables[name]], remembered[name], taken, say);
    taken.add(chosen[name]);
  }
  writeStateFile(folder.portsFile, { schemaVersion: 1, ports: chosen });
  return chosen;
}

/** Returns the ports of parts that run elsewhere. */
function unusedPorts(settings: StackSettings): PortName[] {
  return [
    ...(settings.DATABASE_URL === undefined ? [] : (['postgres'] as const)),
    ...(settings.TEMPORAL_ADDRESS === undefined ? [] : (['temporal', 'temporalUi'] as const)),
  ];
}

async function choosePort(
  name: PortName,
  asked: unknown,
  remembered: number | undefined,
  taken: ReadonlySet<number>,
  say: (sentence: string) => void,
): Promise<number> {
  const free = async (port: number) => !taken.has(port) && (await isFree(port));
  if (typeof asked === 'number' && asked !== 0) {
    if (await free(asked)) return asked;
    const variable = variables[name];
    throw new PerennialError(
      'conflict',
      `port ${asked} (${variable}) is taken: choose another port, or 0 for any free port`,
      {
        variable,
        port: asked,
      },
    );
  }
  if (remembered !== undefined && (await free(remembered))) return remembered;
  if (asked === undefined && (await free(usual[name]))) return usual[name];
  const port = await freePort(free);
  if (asked === undefined)
    say(`port ${remembered ?? usual[name]} (${variables[name]}) is taken; port ${port} is used instead`);
  return port;
}

/**
 * Returns a free port of 127.0.0.1 below the range from which systems assign ephemeral ports (RFC 6335, section 6, and
 * Linux's 32768 to 60999). An ephemeral port could be taken by another program before a part listens on it, or at the
 * next start.
 */
export async function freePort(isUsable: (port: number) => Promise<boolean> = isFree): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = randomInt(lowest, highest + 1);
    if (await isUsable(port)) return port;
  }
  throw new PerennialError(
    'internal',
    `no free port was found: all ${attempts} ports of 127.0.0.1 that were tried, between ${lowest} and ${highest}, are taken`,
    {},
  );
}

/** Tests a port by listening on it for a moment. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ port, host: '127.0.0.1', exclusive: true });
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    if (server.listening) {
      server.close();
      await once(server, 'close');
    }
  }
}
