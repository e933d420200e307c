import { expect, test } from 'vitest';
import { tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const { csv, prepareHere: prepare } = bench;

async function told(times: readonly string[], timezone: string) {
  const rows = times.map((time, id) => `${id},${time}`).join('\n');
  const { warnings } = await prepare([await csv('a.csv', `id,ts\n${rows}\n`)], { timestamp: 'ts', timezone });
  return warnings.map(({ level, kind, count, example }) => `${level} ${kind} ${count} ${example}`);
}

test('a warning names the zone of local times, and counts the skipped and the repeated ones', async () => {
  const times = ['2026-03-29 02:30:00', '2026-10-25 02:00:00', '2026-10-25 02:59:59', '2026-07-01 12:00:00'];
  expect(await told(times, 'Europe/Vienna')).toEqual([
    'warning repeated-time 2 2026-10-25 02:00:00',
    'warning skipped-time 1 2026-03-29 02:30:00',
    expect.stringMatching(/^guess naive-time 4 /),
  ]);
  expect(await told(times, 'Asia/Kolkata')).toEqual([expect.stringMatching(/^guess naive-time 4 /)]);
  expect(await told(times, 'UTC')).toEqual([expect.stringMatching(/^guess naive-time 4 /)]);
});

test('times with an offset cause no warning', async () => {
  expect(await told(['2026-03-29 02:30:00Z', '2026-10-25 02:00:00+01:00'], 'Europe/Vienna')).toEqual([]);
});
