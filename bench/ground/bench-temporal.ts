import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { embeddedTemporal } from '../../stack/parts/embedded-temporal.ts';
import { freePort } from '../../stack/ports.ts';
import { openStateFolder } from '../../stack/state-folder.ts';
import type { BenchContext } from '../running/bench-context.ts';
import { endOf } from '../running/start-program.ts';

const answersWithinMs = 60_000;
export const benchNamespace = 'default';

/** Starts a Temporal server of its own, with the stack's settings, and returns its address. */
export async function startBenchTemporal(bench: BenchContext, home: string): Promise<string> {
  const ports = { port: await freePort(), uiPort: await freePort() };
  const temporal = embeddedTemporal(openStateFolder(home), { ...ports, namespace: benchNamespace });
  const { file, args, env, cwd } = await temporal.part.command();
  const server = spawn(file, args, { env: { ...env }, cwd, stdio: 'ignore' });
  bench.onEnd(async () => {
    server.kill(temporal.part.stopSignal);
    await endOf(server);
  });
  const kill = (): void => void server.kill('SIGKILL');
  process.once('exit', kill);
  server.once('close', () => process.off('exit', kill));
  const begun = Date.now();
  while (!(await temporal.part.answers())) {
    bench.signal.throwIfAborted();
    if (server.exitCode !== null || Date.now() - begun > answersWithinMs) throw new Error('Temporal did not start');
    await pause(50);
  }
  return temporal.address;
}
