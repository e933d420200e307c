import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSettings, StackSettings } from '../../contracts/settings/settings.ts';
import { claimHome } from '../../stack/claim-home.ts';
import type { Part } from '../../stack/parts/part.ts';
import { choosePorts } from '../../stack/ports.ts';
import { ProcessRegister } from '../../stack/processes/process-register.ts';
import { keysOf, secretsOf } from '../../stack/secrets.ts';
import { openStateFolder, type StateFolder, writeStateFile } from '../../stack/state-folder.ts';
import { Supervisor } from '../../stack/parts/supervisor.ts';
import { startMinio } from '../support/minio.ts';
import { createTestDatabase } from '../support/postgres-of-tests.ts';
import { startTemporal } from '../support/temporal-of-tests.ts';
import { answers, StackHome } from './stack-under-test.ts';
import { until } from '../support/until.ts';

let folder: StateFolder;
const said: string[] = [];
const say = (sentence: string): void => void said.push(sentence);

beforeEach(async () => {
  folder = openStateFolder(await mkdtemp(join(tmpdir(), 'perennial-parts-')));
  said.length = 0;
});
afterEach(() => rm(folder.home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));

describe('a part', () => {
  let register: ProcessRegister;
  let supervisor: Supervisor;
  beforeEach(() => {
    register = new ProcessRegister(folder);
    supervisor = new Supervisor(register, folder.logs, say);
  });
  afterEach(async () => {
    await supervisor.stop();
    await register.end();
  });

  const partThat = (program: string, answering: () => Promise<boolean>): Part => ({
    name: 'part',
    stage: 1,
    stopSignal: 'SIGTERM',
    patienceMs: 500,
    readyWithinMs: 2_000,
    command: () => Promise.resolve({ file: process.execPath, args: ['-e', program], env: {} }),
    answers: answering,
  });
  const never = () => Promise.resolve(false);

  it('that cannot start is given up, with the end of its output', async () => {
    const starting = supervisor.start(partThat('console.error("no such thing"); process.exit(3)', never));
    await expect(starting).rejects.toMatchObject({ code: 'process-died' });
    await expect(starting).rejects.toThrow(/ended with code 3; the end of .*part\.log:\nno such thing/);
  });

  it('that hangs is ended, with a message', async () => {
    void supervisor.start(partThat('setInterval(() => {}, 1000)', never)).catch(() => {});
    await until('it is said', () => said.some((line) => line.startsWith('part did not answer within 2 s')), 10_000);
  });

  it('that keeps ending after it has answered is restarted again and again, with warnings', async () => {
    await supervisor.start(
      partThat('console.error("worn out"); setTimeout(() => process.exit(5), 200)', () => Promise.resolve(true)),
    );
    await until(
      'it has ended three times',
      () => said.some((line) => line.includes('it has ended 3 times in a row')),
      20_000,
    );
    expect(said.findLast((line) => line.includes('times in a row'))).toContain('worn out');
  });

  const pauses = () => said.flatMap((line) => /restarts in ([\d.]+) s/.exec(line)?.[1] ?? []);

  it('is restarted at once each time it ends after it has answered', async () => {
    await supervisor.start(partThat('setTimeout(() => process.exit(5), 100)', () => Promise.resolve(true)));
    await until('it has ended six times', () => pauses().length >= 6, 20_000);
    expect(new Set(pauses())).toEqual(new Set(['0.25']));
  });

  it('is restarted after longer and longer pauses if it ends before it answers', async () => {
    let well = true;
    const program = () => (well ? 'setTimeout(() => process.exit(5), 100)' : 'process.exit(5)');
    const part = partThat('', async () => well);
    await supervisor.start({
      ...part,
      command: async () => ({ file: process.execPath, args: ['-e', program()], env: {} }),
    });
    well = false;
    await until('it has ended four times', () => pauses().length >= 4, 20_000);
    expect(pauses().slice(0, 4)).toEqual(['0.25', '0.25', '0.5', '1']);
  });

  it('that does not end when asked is killed, with its child processes', async () => {
    const child = "require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])";
    const program = `process.on('SIGTERM', () => {}); console.error('child', ${child}.pid); setInterval(() => {}, 1000)`;
    await supervisor.start(partThat(program, () => Promise.resolve(true)));
    const group = register.all()[0]!.pid;
    await supervisor.stop();
    expect(() => process.kill(-group, 0)).toThrow('ESRCH');
  });
});

describe('ports', () => {
  const settings = (given: Record<string, string> = {}) => parseSettings(StackSettings, given);
  const anyPorts = Object.fromEntries(
    ['API', 'GATEWAY', 'WORKER', 'POSTGRES', 'TEMPORAL', 'TEMPORAL_UI'].map((part) => [`PERENNIAL_${part}_PORT`, '0']),
  );

  it('are the same at the next start, except for one that is taken by then', async () => {
    const first = await choosePorts(folder, settings(anyPorts), say);
    expect(new Set(Object.values(first)).size).toBe(6);
    expect(await choosePorts(folder, settings(anyPorts), say)).toEqual(first);
    const server = await listen(first.api);
    try {
      const { api, ...others } = await choosePorts(folder, settings({ ...anyPorts, PERENNIAL_API_PORT: '' }), say);
      expect(api).not.toBe(first.api);
      expect({ api: first.api, ...others }).toEqual(first);
    } finally {
      server.close();
    }
  });

  it('are outside the range from which the system assigns ports to other programs', async () => {
    const chosen = Object.values(await choosePorts(folder, settings(anyPorts), say));
    for (const port of chosen) expect(port).toBeLessThan(32_768);
  });

  it('that are configured and taken are named', async () => {
    const server = await listen(0);
    try {
      const address = server.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      const asked = settings({ ...anyPorts, PERENNIAL_GATEWAY_PORT: String(port) });
      await expect(choosePorts(folder, asked, say)).rejects.toThrow(`port ${port} (PERENNIAL_GATEWAY_PORT) is taken`);
    } finally {
      server.close();
    }
  });

  async function listen(port: number) {
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }
});

describe('the state folder', () => {
  it('keeps its secrets permanently, and refuses to replace what it cannot parse', () => {
    const secrets = secretsOf(folder);
    const keys = keysOf(folder, {});
    expect(secretsOf(folder)).toEqual(secrets);
    expect(keysOf(folder, { admin: 'given'.repeat(8) })).toEqual({ ...keys, admin: 'given'.repeat(8) });
    writeStateFile(folder.secretsFile, { schemaVersion: 1 });
    expect(() => secretsOf(folder)).toThrow(`${folder.secretsFile} has invalid content`);
  });

  it('that is not writable is named with the way out', async () => {
    const taken = join(folder.home, 'a-file');
    await writeFile(taken, '');
    expect(() => openStateFolder(taken)).toThrow(
      /a-file is not writable \(.*\): set PERENNIAL_HOME to a writable folder/,
    );
  });

  it('belongs to one stack at a time', () => {
    const release = claimHome(folder);
    expect(() => claimHome(folder)).toThrow(/a stack is already running in /);
    release();
    claimHome(folder)();
  });
});

describe('a stack with external parts', () => {
  it('starts only its own parts', async () => {
    const [database, temporal, minio] = await Promise.all([
      createTestDatabase({ empty: true }),
      startTemporal(),
      startMinio(),
    ]);
    const home = new StackHome(folder.home);
    try {
      const stack = await home
        .start({
          DATABASE_URL: database.url,
          TEMPORAL_ADDRESS: temporal.address,
          TEMPORAL_NAMESPACE: temporal.namespace,
          S3_ENDPOINT: minio.endpoint,
          S3_ACCESS_KEY: minio.accessKey,
          S3_SECRET_KEY: minio.secretKey,
        })
        .isReady();
      expect(home.parts().sort()).toEqual(['api', 'gateway', 'worker']);
      expect(await answers(`${home.addresses().api}/readyz`)).toBe(200);
      expect(await answers(`${home.addresses().api}/v1/models`, home.key('operator'))).toBe(200);
      expect(home.has('postgres')).toBe(false);
      expect(await stack.end('SIGTERM')).toBe(0);
    } finally {
      await home.remove();
      await Promise.all([database.drop(), temporal.stop(), minio.stop()]);
    }
  });
});
