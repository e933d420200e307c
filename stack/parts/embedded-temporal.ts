import { join } from 'node:path';
import { PerennialError } from '../../contracts/errors.ts';
import { programs, searchProgram } from '../../setup/find-program.mjs';
import type { Part } from './part.ts';
import { saysOk, stages } from './part.ts';
import type { StateFolder } from '../state-folder.ts';

export interface EmbeddedTemporal {
  readonly part: Part;
  readonly address: string;
  readonly ui: string;
}

/** The Temporal CLI's dev server with a database file, on loopback only: it asks nobody for a key. */
export function embeddedTemporal(
  folder: StateFolder,
  options: { readonly port: number; readonly uiPort: number; readonly namespace: string },
): EmbeddedTemporal {
  const ui = `http://127.0.0.1:${options.uiPort}`;
  const part: Part = {
    name: 'temporal',
    stage: stages.temporal,
    stopSignal: 'SIGTERM',
    patienceMs: 8_000,
    readyWithinMs: 60_000,
    command: async () => ({
      file: await temporalCli(),
      args: serverArguments(folder, options),
      // A home of its own: a configuration of this user's for other servers must not reach this one. It asks its maker for
      // newer versions, and says which one runs here, unless it is told not to.
      env: { PATH: process.env.PATH, HOME: folder.temporal, TZ: 'UTC', TEMPORAL_VERSION_CHECK_DISABLED: '1' },
      cwd: folder.temporal,
    }),
    // Through the UI's own connection to the server: when this answers, both do.
    answers: () => saysOk(`${ui}/api/v1/namespaces/${encodeURIComponent(options.namespace)}`),
  };
  return { part, address: `127.0.0.1:${options.port}`, ui };
}

function serverArguments(
  folder: StateFolder,
  options: { readonly port: number; readonly uiPort: number; readonly namespace: string },
): string[] {
  return [
    'server',
    'start-dev',
    '--ip=127.0.0.1',
    `--port=${options.port}`,
    `--ui-port=${options.uiPort}`,
    `--namespace=${options.namespace}`,
    `--db-filename=${join(folder.temporal, 'temporal.db')}`,
    // By default each queue is polled at most 20 times a second, and every step waits for a tick of 50 ms.
    '--dynamic-config-value=history.transferProcessorMaxPollRPS=2000',
    '--dynamic-config-value=history.timerProcessorMaxPollRPS=2000',
    // Half the time of a commit, which is still on disk before it is acknowledged.
    '--sqlite-pragma=journal_mode=WAL',
    '--sqlite-pragma=synchronous=FULL',
    '--log-format=json',
    '--log-level=warn',
  ];
}

async function temporalCli(): Promise<string> {
  const { path, passedOver } = await searchProgram(programs.temporal, process.env);
  if (path !== undefined) return path;
  const why = passedOver.length === 0 ? 'is not there' : `cannot be used (${passedOver.join('; ')})`;
  throw new PerennialError(
    'not-found',
    `${programs.temporal.title} ${why}: run npm run setup, name another one in ${programs.temporal.variable}, or name a server in TEMPORAL_ADDRESS`,
    {},
  );
}
