import Ajv from 'ajv';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningMinio, startMinio } from '../support/minio.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { startTemporal, type TestTemporal } from '../support/temporal.ts';
import { composeDocument, composeFile, composeText, interpolate, wanted } from './compose-file.ts';
import { until } from './stack-under-test.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
/** Of an old draft, whose `id` of a part is a name and no address. */
const schema = JSON.parse(
  readFileSync(new URL('../fixtures/compose/compose-spec.json', import.meta.url), 'utf8'),
  (key, value: unknown) => (key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value),
) as Record<string, unknown>;
const { services, volumes } = composeFile();
const ours = ['worker', 'api', 'gateway'] as const;

describe('docker-compose.yml', () => {
  const duration = /^(\d+(\.\d+)?(us|ms|s|m|h))+$/;
  const formats = { duration, ports: true, expose: true, subnet_ip_address: true } as const;
  const validate = new Ajv.Ajv({ strict: false, allErrors: true, formats }).compile(schema);

  it('is what the schema of Compose files wants', () => {
    expect(validate(composeDocument()), JSON.stringify(validate.errors)).toBe(true);
  });

  it('is checked by a schema that can say no', () => {
    expect(validate({ services: { api: { image: 1 } } })).toBe(false);
    expect(validate({ services: { api: { image: 'a', imge: 'b' } } })).toBe(false);
  });

  it('pins every image, and no newest one', () => {
    for (const [name, { image }] of Object.entries(services))
      expect(image, name).toMatch(/:[A-Za-z]*\.?\d[^:]*\.\d[^:]*$|:RELEASE\.\d{4}-/);
  });

  it('publishes every port on loopback only', () => {
    const ports = Object.values(services).flatMap((service) => service.ports);
    expect(ports.length).toBeGreaterThan(2);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  it('has no secret of its own, and does not start without those that it wants', () => {
    expect(composeText.replaceAll(wanted, '')).not.toContain('${');
    expect(composeText).not.toMatch(/(PASSWORD|SECRET|KEY|PWD): (?!\$\{|&)\S*[^\s{]/);
  });

  it('keeps what must not be lost in named volumes', () => {
    const used = Object.values(services).flatMap((service) => service.volumes.map((volume) => volume.split(':')[0]!));
    expect(used.filter((source) => !source.startsWith('./')).sort()).toEqual(Object.keys(volumes).sort());
  });

  it('asks every service that stays up whether it is healthy', () => {
    const staying = Object.entries(services).filter(([, service]) => service.restart === 'unless-stopped');
    expect(staying.map(([name]) => name).sort()).toEqual([
      'api',
      'gateway',
      'postgres',
      's3',
      'temporal',
      'temporal-ui',
      'worker',
    ]);
    for (const [name, service] of staying) expect(service.healthcheck, name).toBeDefined();
  });

  it.each(ours)('runs %s with a command of this checkout', (name) => {
    expect(services[name]!.build).toBe('.');
    expect(services[name]!.command).toEqual(['node', `${name}/main.ts`]);
  });
});

// Without Docker the images are not built; what the containers would run is run as processes instead.
describe('each service of ours, by its own command and environment', () => {
  let database: TestDatabase;
  let temporal: TestTemporal;
  let minio: RunningMinio;
  let home: string;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    [database, temporal, minio, home] = await Promise.all([
      createTestDatabase(),
      startTemporal(),
      startMinio(),
      mkdtemp(join(tmpdir(), 'perennial-compose-')),
    ]);
  });
  afterAll(async () => {
    await Promise.all(children.map(stop));
    await Promise.all([temporal?.stop(), minio?.stop(), database?.drop()]);
    await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });

  it.each(ours)(
    '%s becomes healthy against a real Postgres, Temporal and S3 server, and stops when asked',
    async (name) => {
      const port = await freePort();
      const service = services[name]!;
      const inside = /:(\d+)\//.exec(service.healthcheck!.test.at(-1)!)![1]!;
      const [, program, ...check] = service.healthcheck!.test.map((word) => word.replace(`:${inside}/`, `:${port}/`));
      expect(program).toBe('node');
      const [file, ...args] = service.command!;
      expect(file).toBe('node');
      const child = spawn(process.execPath, args, {
        cwd: repository,
        env: { PATH: process.env.PATH, HOME: home, ...environmentOf(name, port) },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      children.push(child);
      let said = '';
      child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
      await until(`${name} is healthy: ${said}`, async () => {
        expect(child.exitCode, said).toBeNull();
        return succeeds(check);
      });
      expect(await stop(child), said).toBe(0);
    },
  );

  /** What the file gives the service, with the addresses of containers exchanged for those of the processes here. */
  function environmentOf(name: string, port: number): Record<string, string> {
    const secrets = {
      POSTGRES_PASSWORD: 'x',
      S3_ACCESS_KEY: minio.accessKey,
      S3_SECRET_KEY: minio.secretKey,
      PERENNIAL_SECRET: 's'.repeat(64),
      PERENNIAL_ADMIN_KEY: 'k'.repeat(64),
    };
    const given = Object.entries(services[name]!.environment).map(([key, value]) => [key, interpolate(value, secrets)]);
    const here: Record<string, string> = {
      PERENNIAL_HOME: join(home, name),
      PERENNIAL_CACHE: join(home, 'cache'),
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
      S3_ENDPOINT: minio.endpoint,
    };
    return Object.fromEntries(
      given.map(([key, value]) => {
        if (key!.endsWith('_PORT')) return [key, String(port)];
        if (key!.endsWith('_HOST')) return [key, '127.0.0.1'];
        return [key, here[key!] ?? value];
      }),
    );
  }
});

async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
  return child.exitCode;
}

function succeeds(args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) =>
    execFile(process.execPath, args, { cwd: repository }, (error) => resolve(error === null)),
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP port could be had');
  return address.port;
}
