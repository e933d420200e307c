import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { sandboxPrograms } from '../../stack/sandbox-programs.ts';
import type { BenchContext } from '../running/bench-context.ts';
import { type StartedProgram, startUntilSaid } from '../running/start-program.ts';
import type { ServedClassifier } from './served-classifier.ts';

export interface BenchGateway extends StartedProgram {
  readonly address: string;
}

const readyWithinMs = 60_000;

/** Starts `gateway/main.ts` of the checkout that prepared the state, and waits until the model is loaded. */
export async function startBenchGateway(
  bench: BenchContext,
  { root, home, databaseUrl }: ServedClassifier,
  profileFolder?: string,
): Promise<BenchGateway> {
  const env = {
    ...process.env,
    ...sandboxPrograms(process.env),
    PERENNIAL_HOME: home,
    DATABASE_URL: databaseUrl,
    PERENNIAL_GATEWAY_PORT: '0',
    PERENNIAL_GATEWAY_DRAIN: '0s',
  };
  const profiling = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`];
  const args = [...profiling, join(root, 'gateway', 'main.ts')];
  const listens = /"address":"(http:[^"]+)","msg":"the gateway listens"/;
  const gateway = await startUntilSaid(bench, process.execPath, args, { env }, listens);
  const address = gateway.match[1] ?? '';
  const begun = Date.now();
  while ((await fetch(`${address}/v2/health/ready`)).status !== 200) {
    bench.signal.throwIfAborted();
    if (Date.now() - begun > readyWithinMs) throw new Error(`the gateway did not become ready: ${gateway.said()}`);
    await pause(50);
  }
  return { ...gateway, address };
}
