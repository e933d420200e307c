import { expect, onTestFinished, test } from 'vitest';
import { residentMebibytes, watchMemory } from '../../bench/running/memory-watch.ts';
import { startProgram } from '../../bench/running/start-program.ts';
import { until } from '../support/until.ts';

test.runIf(process.platform === 'linux')('the peak is that of the largest process that a process started', async () => {
  const child =
    "globalThis.held = Buffer.alloc(300 * 2 ** 20, 1); process.stdin.resume().on('end', () => process.exit())";
  const parent = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: ['pipe', 'inherit', 'inherit'] })`;
  const ends: (() => Promise<void>)[] = [];
  const program = startProgram({ onEnd: (end) => void ends.push(end) }, process.execPath, ['-e', parent]);
  const memory = watchMemory(program.child.pid ?? 0);
  onTestFinished(async () => {
    memory.stop();
    for (const end of ends) await end();
  });
  await until('the child of the child is seen', () => memory.peak().mebibytes > 300);
  expect(residentMebibytes(program.child.pid ?? 0)).toBeLessThan(memory.peak().mebibytes);
});

test('a process that does not exist has no memory', () => {
  expect(residentMebibytes(2 ** 30)).toBeNaN();
});
