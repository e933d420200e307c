import { rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { StackSettings } from '../contracts/settings/settings.ts';
import { cachedProgramFolder } from '../setup/find-program.mjs';
import { createDiskSpace } from '../adapters/disk-space/disk-space.ts';
import { diskFull, isAboutFullDisk } from '../contracts/disk-full.ts';
import { PerennialError } from '../contracts/errors.ts';
import { claimHome } from './claim-home.ts';
import { watchDisk } from './disk-watch.ts';
import { choosePorts, type Ports } from './ports.ts';
import { embeddedPostgres } from './parts/embedded-postgres.ts';
import { identityOf } from './processes/process-identity.ts';
import { ProcessRegister, stopLeftovers } from './processes/process-register.ts';
import { type Keys, keysOf, type Secrets, secretsOf } from './secrets.ts';
import { sandboxPrograms } from './sandbox-programs.ts';
import { type ServiceAddresses, services } from './parts/services.ts';
import { openStateFolder, type StateFolder, writeStateFile } from './state-folder.ts';
import { Supervisor } from './parts/supervisor.ts';
import { embeddedTemporal } from './parts/embedded-temporal.ts';

export interface StackSurroundings {
  readonly settings: StackSettings;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly say: (sentence: string) => void;
  /** Stops everything in order when it is aborted. */
  readonly signal: AbortSignal;
}

interface Stack {
  readonly around: StackSurroundings;
  readonly folder: StateFolder;
  readonly ports: Ports;
  readonly secrets: Secrets;
  readonly keys: Keys;
  readonly addresses: ServiceAddresses;
  readonly supervisor: Supervisor;
}

/** Runs the embedded stack until it is stopped. Whatever happens, no process that it started is left running. */
export async function runStack(around: StackSurroundings): Promise<void> {
  const home = resolve(around.settings.PERENNIAL_HOME);
  try {
    const folder = openStateFolder(home);
    if ((await createDiskSpace(home).complaint()) !== undefined) throw diskFull(home);
    await runIn(folder, around);
  } catch (caught) {
    if (!isAboutFullDisk(caught) || (caught instanceof PerennialError && caught.code === 'disk-full')) throw caught;
    throw diskFull(home, caught);
  }
}

async function runIn(folder: StateFolder, around: StackSurroundings): Promise<void> {
  const { settings, say, signal } = around;
  const release = claimHome(folder);
  try {
    if (await stopLeftovers(folder)) say('stopped the processes that an earlier, killed stack had left running');
    const ports = await choosePorts(folder, settings, say);
    const register = new ProcessRegister(folder);
    const supervisor = new Supervisor(register, folder.logs, say);
    const endWatch = watchDisk(createDiskSpace(folder.home), say);
    try {
      const keys = keysOf(folder, { admin: settings.PERENNIAL_ADMIN_KEY });
      const stack = {
        around,
        folder,
        ports,
        secrets: secretsOf(folder),
        keys,
        addresses: addressesOf(ports, settings),
        supervisor,
      };
      await Promise.race([start(stack), aborted(signal)]);
      await aborted(signal);
      say('stopping');
    } finally {
      endWatch();
      await supervisor.stop();
      rmSync(folder.stackFile, { force: true });
      await register.end();
    }
  } finally {
    release();
  }
}

/** Starts independent parts concurrently. Each other part starts as soon as the parts that it needs answer. */
async function start(stack: Stack): Promise<void> {
  const begun = performance.now();
  const { around, folder, ports, secrets, keys, addresses, supervisor } = stack;
  const { settings, say } = around;
  const temporal = embeddedTemporal(folder, {
    port: ports.temporal,
    uiPort: ports.temporalUi,
    namespace: settings.TEMPORAL_NAMESPACE,
  });
  const temporalAddress = settings.TEMPORAL_ADDRESS ?? temporal.address;
  const temporalUi = settings.TEMPORAL_ADDRESS === undefined ? temporal.ui : settings.PERENNIAL_TEMPORAL_UI_URL;
  const postgres = embeddedPostgres(folder, { port: ports.postgres, password: secrets.postgresPassword });
  const databaseUrl = settings.DATABASE_URL ?? postgres.url;
  const shared = {
    ...sharedEnvironment(stack),
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporalAddress,
    PERENNIAL_TEMPORAL_UI_URL: temporalUi,
  };
  const parts = services(addresses, shared, {
    adminKey: keys.admin,
    secret: settings.PERENNIAL_SECRET ?? secrets.secret,
  });
  const described = describe(stack, temporalAddress, temporalUi);
  writeStateFile(folder.stackFile, { ...described, state: 'starting' });

  const databaseReady = startDatabase(stack, settings.DATABASE_URL === undefined ? postgres : undefined, databaseUrl);
  const temporalReady = settings.TEMPORAL_ADDRESS === undefined ? supervisor.start(temporal.part) : Promise.resolve();
  await Promise.all([
    Promise.all([databaseReady, temporalReady]).then(() =>
      Promise.all([supervisor.start(parts.worker), supervisor.start(parts.api)]),
    ),
    databaseReady.then(() => supervisor.start(parts.gateway)),
  ]);
  writeStateFile(folder.stackFile, { ...described, state: 'ready' });
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
  say(banner(stack, temporalUi, seconds));
}

async function startDatabase(
  { supervisor, keys }: Stack,
  postgres: ReturnType<typeof embeddedPostgres> | undefined,
  url: string,
): Promise<void> {
  // Loading the database code takes as long as the database's start, so both happen at once.
  const loaded = import('./people.ts');
  // A failure is handled where the promise is awaited.
  loaded.catch(() => {});
  if (postgres !== undefined) {
    await supervisor.start(postgres.part);
    await postgres.prepare();
  }
  await (await loaded).preparePeople(url, keys);
}

function addressesOf(ports: Ports, settings: StackSettings): ServiceAddresses {
  return {
    api: addressOf(settings.PERENNIAL_API_HOST, ports.api),
    gateway: addressOf(settings.PERENNIAL_GATEWAY_HOST, ports.gateway),
    worker: addressOf(settings.PERENNIAL_WORKER_HOST, ports.worker),
  };
}

/** Returns the address under which this machine reaches a server that listens on `host`. */
function addressOf(host: string, port: number): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

/** Returns the cache folder that setup uses too; all checkouts of this user share it. */
function cacheFolderOf({ settings, environment }: StackSurroundings): string {
  return resolve(settings.PERENNIAL_CACHE ?? dirname(cachedProgramFolder(environment)));
}

/** Returns the stack's own environment without its secrets, completed with the chosen ports and folders. */
function sharedEnvironment({ around, folder, ports }: Stack): Record<string, string | undefined> {
  const { PERENNIAL_SECRET: _secret, PERENNIAL_ADMIN_KEY: _key, ...environment } = around.environment;
  const cache = cacheFolderOf(around);
  return {
    // Node's compile cache saves about half of the start-up time.
    NODE_COMPILE_CACHE: join(cache, 'node'),
    ...environment,
    ...sandboxPrograms(environment),
    PERENNIAL_HOME: folder.home,
    PERENNIAL_CACHE: cache,
    PERENNIAL_API_PORT: String(ports.api),
    PERENNIAL_GATEWAY_PORT: String(ports.gateway),
    PERENNIAL_WORKER_PORT: String(ports.worker),
  };
}

/** Returns the content of stack.json, which the command line reads. */
function describe({ addresses, folder }: Stack, temporal: string, temporalUi: string | undefined) {
  return {
    schemaVersion: 1,
    pid: process.pid,
    identity: identityOf(process.pid),
    api: addresses.api,
    gateway: addresses.gateway,
    worker: addresses.worker,
    temporal,
    temporalUi: temporalUi ?? null,
    keys: folder.keysFile,
    logs: folder.logs,
  };
}

function banner({ addresses, folder }: Stack, temporalUi: string | undefined, seconds: string): string {
  return [
    `Perennial is up (${seconds} s)`,
    `  API          ${addresses.api}/docs`,
    `  gateway      ${addresses.gateway}`,
    ...(temporalUi === undefined ? [] : [`  Temporal UI  ${temporalUi}`]),
    `  keys         ${folder.keysFile}`,
    `  logs         ${folder.logs}`,
    '  Ctrl-C or perennial down stops the stack and keeps its state',
  ].join('\n');
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }));
}
