import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import type { ServedAnswer, AskedModel, ServingGround } from './serving-ground.ts';
import { ask } from './serving-ground.ts';

export interface GatewayProcess {
  readonly pid: number;
  readonly address: string;
  /** The log lines so far, one JSON object each. */
  readonly said: readonly string[];
  ask(request: string, body?: unknown, asked?: AskedModel): Promise<ServedAnswer>;
  /** Sends the signal and returns the exit code, or the signal that ended the process. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | NodeJS.Signals>;
}

const running = new Set<ChildProcess>();

/**
 * Starts `gateway/main.ts` as a process, on a free port unless `settings` name one. `databaseUrl` may name a database
 * that does not exist, and `home` a folder other than the ground's.
 */
export async function startGatewayProcess(
  ground: ServingGround,
  databaseUrl = ground.database.url,
  home = ground.home,
  settings: Readonly<Record<string, string>> = {},
): Promise<GatewayProcess> {
  const main = fileURLToPath(new URL('../../gateway/main.ts', import.meta.url));
  const child = spawn(process.execPath, [main], {
    env: {
      PERENNIAL_HOME: home,
      DATABASE_URL: databaseUrl,
      PERENNIAL_GATEWAY_PORT: '0',
      PERENNIAL_GATEWAY_DRAIN: '0s',
      PATH: process.env.PATH,
      ...settings,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.add(child);
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('exit', (code, signal) => {
      running.delete(child);
      resolve(code ?? signal ?? 0);
    });
  });
  const said: string[] = [];
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line);
      const found = /"address":"(http:[^"]+)","msg":"the gateway listens"/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    void exited.then((how) => reject(new Error(`the gateway ended with ${how}: ${said.join('\n')}`)));
  });
  return {
    pid: child.pid ?? 0,
    address,
    said,
    ask: (request, body, asked) => ask(address, ground.key, request, body, asked),
    end(signal) {
      child.kill(signal);
      return exited;
    },
  };
}

/** Ends every process that was started here. Call it after each test. */
export async function endGatewayProcesses(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }),
  );
}
