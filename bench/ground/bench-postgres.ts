import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { spawn } from 'node:child_process';
import { embeddedPostgres } from '../../stack/parts/embedded-postgres.ts';
import { freePort } from '../../stack/ports.ts';
import { openStateFolder } from '../../stack/state-folder.ts';
import type { BenchContext } from '../running/bench-context.ts';
import { endOf } from '../running/start-program.ts';

const answersWithinMs = 60_000;

/** Starts a Postgres of its own, with the stack's settings, and returns the URL of an empty database. */
export async function startBenchPostgres(bench: BenchContext, home: string): Promise<string> {
  await mkdir(home, { recursive: true });
  const port = await freePort();
  const postgres = embeddedPostgres(openStateFolder(home), { port, password: randomBytes(16).toString('hex') });
  const { file, args, env, cwd, user } = await postgres.part.command();
  const server = spawn(file, args ?? [], { env, cwd, stdio: 'ignore', ...user });
  bench.onEnd(async () => {
    server.kill(postgres.part.stopSignal);
    await endOf(server);
  });
  const kill = (): void => void server.kill('SIGKILL');
  process.once('exit', kill);
  server.once('close', () => process.off('exit', kill));
  const begun = Date.now();
  while (!(await postgres.part.answers())) {
    bench.signal.throwIfAborted();
    if (server.exitCode !== null || Date.now() - begun > answersWithinMs) throw new Error('Postgres did not start');
    await pause(50);
  }
  await postgres.prepare();
  return postgres.url;
}
