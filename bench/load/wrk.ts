import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { runToEnd } from '../running/start-program.ts';
import type { LoadGenerator } from './load-generator.ts';

const script = join(import.meta.dirname, 'wrk-report.lua');
const Report = z.object({
  requests: z.number(),
  seconds: z.number(),
  failed: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
});

/** Returns wrk with one thread, or undefined where it is not installed. */
export async function findWrk(): Promise<LoadGenerator | undefined> {
  const version = await versionOfWrk();
  if (version === undefined) return undefined;
  return {
    name: 'wrk',
    version,
    async send({ url, headers, bodyFile, connections, seconds }, signal) {
      const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script, url];
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
      const env = { ...process.env, BENCH_BODY: bodyFile, BENCH_HEADERS: lines.join('\n') };
      const said = await runToEnd({ signal }, 'wrk', args, { env });
      const report = Report.parse(JSON.parse(/^report (.*)$/m.exec(said)?.[1] ?? 'null'));
      return { ...report, requestsPerSecond: report.requests / report.seconds };
    },
  };
}

function versionOfWrk(): Promise<string | undefined> {
  return new Promise((resolve) => {
    // `wrk -v` prints its version and its usage, and ends with 1.
    execFile('wrk', ['-v'], (caught, stdout, stderr) => {
      if (caught !== null && 'code' in caught && caught.code === 'ENOENT') resolve(undefined);
      else resolve(/^wrk (\S+)/m.exec(stdout + stderr)?.[1] ?? 'unknown');
    });
  });
}
