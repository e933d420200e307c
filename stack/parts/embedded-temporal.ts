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

/**
 * Returns the Temporal CLI's dev server with a database file as a part of the stack. It is on loopback only, because it
 * has no authentication.
 */
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
      // HOME is a folder of its own, so that the user's configuration for other servers does not affect this one. By
      // default the CLI asks its vendor for newer versions and sends its own version along; this is disabled.
      env: { PATH: process.env.PATH, HOME: folder.temporal, TZ: 'UTC', TEMPORAL_VERSION_CHECK_DISABLED: '1' },
      cwd: folder.temporal,
    }),
    // The UI asks the server through its own connection, so a response shows that both work.
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
    // By default each queue is polled at most 20 times a second, so every step would wait up to 50 ms for the next
    // poll.
    '--dynamic-config-value=history.transferProcessorMaxPollRPS=2000',
    '--dynamic-config-value=history.timerProcessorMaxPollRPS=2000',
    // WAL halves the time of a commit, and `FULL` still writes each commit to disk before it is acknowledged.
    '--sqlite-pragma=journal_mode=WAL',
    '--sqlite-pragma=synchronous=FULL',
    '--log-format=json',
    '--log-level=warn',
  ];
}

async function temporalCli(): Promise<string> {
  const { path, passedOver } = await searchProgram(programs.temporal, process.env);
  if (path !== undefined) return path;
  const why = passedOver.length === 0 ? 'was not found' : `cannot be used (${passedOver.join('; ')})`;
  throw new PerennialError(
    'not-found',
    `${programs.temporal.title} ${why}: run npm run setup, set ${programs.temporal.variable} to the path of another one, or set TEMPORAL_ADDRESS to the address of a server`,
    {},
  );
}
