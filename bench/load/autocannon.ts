import { z } from 'zod';
import { runToEnd } from '../running/start-program.ts';
import type { LoadGenerator } from './load-generator.ts';

const version = '8.0.0';
const Report = z.object({
  requests: z.object({ total: z.number() }),
  duration: z.number(),
  non2xx: z.number(),
  errors: z.number(),
  timeouts: z.number(),
  latency: z.object({ p50: z.number(), p99: z.number() }),
});

/** Returns autocannon, which npx fetches. It is a Node program and uses a whole core, so wrk is preferred. */
export function autocannon(): LoadGenerator {
  return {
    name: 'autocannon',
    version,
    async send({ url, headers, bodyFile, connections, seconds }, signal) {
      const given = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
      const args = ['--yes', `autocannon@${version}`, '--json', '-m', 'POST', '-i', bodyFile, ...given];
      args.push('-c', String(connections), '-d', String(seconds), url);
      const report = Report.parse(JSON.parse(await runToEnd({ signal }, 'npx', args)));
      return {
        requests: report.requests.total,
        requestsPerSecond: report.requests.total / report.duration,
        failed: report.non2xx + report.errors + report.timeouts,
        p50Ms: report.latency.p50,
        p99Ms: report.latency.p99,
      };
    },
  };
}
