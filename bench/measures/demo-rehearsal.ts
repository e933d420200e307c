import { join } from 'node:path';
import { z } from 'zod';
import { thisCheckout } from '../ground/served-classifier.ts';
import type { BenchMeasure } from '../running/bench-measure.ts';
import { runToEnd } from '../running/start-program.ts';

const allPeriods = 18;
const Said = z.object({ periods: z.number(), seconds: z.number() }).loose();

export const demoRehearsal: BenchMeasure = {
  name: 'demo',
  summary: 'the rehearsal of the demo: eighteen months of served, labelled, monitored and retrained data',
  takes: '4 min',
  inShortForm: false,
  async run(bench) {
    const periods = bench.short ? 2 : allPeriods;
    const ports = ['API', 'GATEWAY', 'WORKER', 'POSTGRES', 'TEMPORAL', 'TEMPORAL_UI'];
    const env = {
      ...process.env,
      ...Object.fromEntries(ports.map((part) => [`PERENNIAL_${part}_PORT`, '0'])),
      PERENNIAL_HOME: join(bench.scratch, 'home'),
    };
    const main = join(thisCheckout, 'cli', 'main.ts');
    const output = await runToEnd(
      bench,
      process.execPath,
      [main, 'demo', '--exit', '--json', '--periods', `${periods}`],
      {
        env,
        cwd: bench.scratch,
      },
    );
    const said = Said.parse(JSON.parse(output.trim().split('\n').at(-1) ?? ''));
    if (said.periods !== periods) throw new Error(`the demo rehearsed ${said.periods} periods instead of ${periods}`);
    const target = periods === allPeriods ? { target: { must: 150, aim: 120, atMost: true } } : {};
    const figures = [{ name: `rehearsal of ${periods} months`, value: said.seconds, unit: 's', ...target }];
    return { comparisons: [], figures, absent: [], versions: {}, notes: [] };
  },
};
