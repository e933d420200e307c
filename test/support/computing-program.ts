// A computing process for tests: it evaluates a million rows and reports on them, and it fails in several ways.
import { setTimeout as wait } from 'node:timers/promises';
import { activityInfo } from '@temporalio/activity';
import { createComputations } from '../../activities/computations.ts';
import type { StoringDependencies } from '../../activities/activity-dependencies.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { serveComputations } from '../../worker/computing/serve-computations.ts';
import { measureMillionRows } from './million-rows.ts';

const whoAmI = async () => ({ pid: process.pid, activityId: activityInfo().activityId });

serveComputations(
  Promise.resolve({
    // The activities' computations do no work here and only return where they ran.
    ...Object.fromEntries(Object.keys(createComputations({} as StoringDependencies)).map((name) => [name, whoAmI])),
    measureMillionRows: async () => measureMillionRows(),
    whoAmI,
    refuse: async () => {
      throw new PerennialError('no-data', 'there are no rows', { rows: 0 });
    },
    stumble: async () => {
      throw new RangeError('Invalid time value');
    },
    spin: async () => {
      for (;;) Math.sqrt(Math.random());
    },
    wait: async () => wait(60_000),
    fill: async () => {
      const kept: string[][] = [];
      for (;;) kept.push(Array.from({ length: 10_000 }, (_, at) => `${kept.length}/${at}`));
    },
  }),
);
