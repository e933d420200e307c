import { TestWorkflowEnvironment } from '@temporalio/testing';
import { findWorkingProgram, programs } from '../../setup/find-program.mjs';

export interface TestTemporal {
  readonly address: string;
  readonly namespace: string;
  stop(): Promise<void>;
}

/**
 * Starts a real dev server in memory, on a free port, with polling fast enough for tests. `config` adds dynamic
 * configuration values.
 */
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

export async function temporalCli(): Promise<string> {
  const path = await findWorkingProgram(programs.temporal, process.env);
  if (path !== undefined) return path;
  throw new Error('the Temporal CLI is not there: npm test sets it up, or name it in PERENNIAL_TEMPORAL_CLI');
}
