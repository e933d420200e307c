import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { cachedProgramFolder } from '../../../setup/find-program.mjs';
import { repository } from '../../how-to/page.ts';
import type { Service } from '../../stack/compose-file.ts';
import { Child } from './child.ts';
import type { Place } from './place.ts';
import { freePort } from '../../../stack/ports.ts';
import { isPostgresHealthy, startPostgres } from './stand-in-postgres.ts';
import type { Programs } from './programs.ts';
import { dynamicConfigArguments } from './programs.ts';

/** The processes that stand in for a container. */
export interface DockerPart {
  /** Absent if another part does this container's work. */
  readonly child?: Child;
  readonly stopSignal: NodeJS.Signals;
  isHealthy(): Promise<boolean>;
}

export interface DockerGround {
  readonly place: Place;
  readonly programs: Programs;
}

type Start = (name: string, service: Service, ground: DockerGround) => Promise<DockerPart>;

const always = () => Promise.resolve(true);

/** Starts each service of the Compose file, by name. A service that is missing here is refused. */
export const parts: Readonly<Record<string, Start>> = {
  postgres: async (_, service, { place }) => ({
    child: await startPostgres(service, place),
    // SIGINT requests a fast shutdown, as the image's STOPSIGNAL does.
    stopSignal: 'SIGINT',
    isHealthy: () => isPostgresHealthy(service, place),
  }),
  // The dev server creates its own schema. Its database file lies beside the Postgres data, where a cluster keeps its
  // data.
  'temporal-schema': () => Promise.resolve({ stopSignal: 'SIGTERM', isHealthy: always }),
  temporal: async (_, _service, { place, programs }) => ({
    child: new Child(
      [
        programs.temporal,
        'server',
        'start-dev',
        '--ip=127.0.0.1',
        '--log-level=error',
        `--port=${place.port('7233')}`,
        `--ui-port=${place.port('7402')}`,
        `--db-filename=${join(await place.volume('postgres'), 'temporal.db')}`,
        ...dynamicConfigArguments(),
      ],
      { env: { PATH: process.env.PATH, HOME: place.folder }, cwd: place.folder },
    ),
    stopSignal: 'SIGTERM',
    isHealthy: () => listens(place.port('7233')),
  }),
  'temporal-namespace': (_, service, { place, programs }) =>
    Promise.resolve({
      child: new Child([...service.entrypoint, ...service.command], {
        env: {
          PATH: `${dirname(programs.temporal)}:${process.env.PATH}`,
          HOME: place.folder,
          ...place.environmentOf(service, place.folder),
        },
        cwd: place.folder,
      }),
      stopSignal: 'SIGTERM',
      isHealthy: always,
    }),
  // The dev server includes the UI.
  'temporal-ui': (_, _service, { place }) =>
    Promise.resolve({ stopSignal: 'SIGTERM', isHealthy: () => answers(`127.0.0.1:${place.port('7402')}/healthz`) }),
  s3: async (_, service, { place, programs }) => {
    const address = `127.0.0.1:${place.s3Port}`;
    const data = await place.volume('objects');
    const args = service.command.map((word) => (word === '/data' ? data : word));
    return {
      child: new Child([programs.minio, ...args, '--quiet', '--address', address, '--console-address', '127.0.0.1:0'], {
        env: { PATH: process.env.PATH, HOME: place.folder, ...service.environment },
        cwd: place.folder,
      }),
      stopSignal: 'SIGTERM',
      isHealthy: () => answers(`${address}/minio/health/ready`),
    };
  },
  worker: async (_, service, ground) => ours(service, ground, await freePort()),
  api: (_, service, ground) => ours(service, ground, ground.place.port('7400')),
  gateway: (_, service, ground) => ours(service, ground, ground.place.port('7401')),
  'gateway-2': (_, service, ground) => ours(service, ground, ground.place.port('7411')),
};

/**
 * Runs one of our own services from this checkout, with the command, environment and health check of the Compose file.
 */
async function ours(service: Service, { place }: DockerGround, port: number): Promise<DockerPart> {
  const [[volume = ''] = []] = service.volumes.map((mount) => mount.split(':'));
  const home = await place.volume(volume);
  const environment = Object.entries(place.environmentOf(service, home)).map(([key, value]) => [
    key,
    /^PERENNIAL_(API|GATEWAY|WORKER)_PORT$/.test(key) ? String(port) : value,
  ]);
  const temporary = join(place.folder, 'tmp');
  await mkdir(temporary, { recursive: true });
  const [program, ...args] = service.command;
  if (program !== 'node') throw new Error(`${program} is not what runs our services`);
  const child = new Child([process.execPath, ...args], {
    cwd: repository,
    env: {
      PATH: process.env.PATH,
      HOME: temporary,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      ...Object.fromEntries(environment),
      // Reuses the training environments that setup made, so that they are not installed from the network.
      ...('PERENNIAL_CACHE' in service.environment
        ? { PERENNIAL_CACHE: dirname(cachedProgramFolder(process.env)) }
        : {}),
    },
  });
  const [, checker, ...check] = service.healthcheck?.test ?? [];
  if (checker !== 'node') throw new Error(`${checker} is not how our services are checked`);
  const asked = check.map((word) => word.replace(/(?<=127\.0\.0\.1:)\d+/, String(port)));
  return { child, stopSignal: 'SIGTERM', isHealthy: () => succeeds(asked) };
}

function succeeds(args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) =>
    execFile(process.execPath, args, { cwd: repository }, (error) => resolve(error === null)),
  );
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
  });
}

async function answers(address: string): Promise<boolean> {
  try {
    return (await fetch(`http://${address}`, { signal: AbortSignal.timeout(3_000) })).ok;
  } catch {
    return false;
  }
}
