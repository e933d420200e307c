import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

// The short form of `node test/at-size/measure-at-size.ts`, which measures the full size.

const program = new URL('measure-at-size.ts', import.meta.url).pathname;
const rows = 300_000;
/** Nine million values as JavaScript values would not fit into this heap. */
const heapMebibytes = 160;

interface Measured {
  readonly rows: number;
  readonly processMiB: number;
  readonly tableMiB: number;
}

async function measured(what: 'monitor' | 'evaluate', drift: 'psi' | 'ks'): Promise<Measured> {
  const args = [`--max-old-space-size=${heapMebibytes}`, program, what, String(rows), drift];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}

test.each([
  ['monitor', 'psi', { predictions: rows, compared: 32 }],
  ['monitor', 'ks', { predictions: rows, compared: 32 }],
  ['evaluate', 'psi', { measured: rows, slices: 40 }],
] as const)(
  'to %s 300,000 rows of 30 features (%s) takes a bounded amount of memory',
  async (what, drift, expected) => {
    const found = await measured(what, drift);
    expect(found).toMatchObject(expected);
    expect(found.processMiB).toBeLessThan(700);
    expect(found.tableMiB).toBeLessThan(700);
  },
  180_000,
);
