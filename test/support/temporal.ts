import { access, constants } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';

export interface TestTemporal {
  readonly address: string;
  readonly namespace: string;
  stop(): Promise<void>;
}

/** A real dev server in memory, on a free port, with polling fast enough for tests; `config`: more of its dynamic values. */
export async function startTemporal(config: Readonly<Record<string, number>> = {}): Promise<TestTemporal> {
  const environment = await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: await temporalCli() },
      log: { level: 'error', format: 'json' },
      extraArgs: [
        '--dynamic-config-value',
        'history.transferProcessorMaxPollRPS=2000',
        '--dynamic-config-value',
        'history.timerProcessorMaxPollRPS=2000',
        ...Object.entries(config).flatMap(([name, value]) => ['--dynamic-config-value', `${name}=${value}`]),
      ],
    },
  });
  return {
    address: environment.address,
    namespace: environment.namespace ?? 'default',
    stop: () => environment.teardown(),
  };
}

async function temporalCli(): Promise<string> {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'temporal'));
  const named = process.env['PERENNIAL_TEMPORAL_CLI'];
  const candidates = [...(named ? [named] : []), ...onPath, join(cache, 'perennial', 'bin', 'temporal')];
  for (const path of candidates) {
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // Not there; the next one may be.
    }
  }
  throw new Error('the Temporal CLI is not there: npm test sets it up, or name it in PERENNIAL_TEMPORAL_CLI');
}
