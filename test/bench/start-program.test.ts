import { expect, test } from 'vitest';
import { Absent } from '../../bench/running/bench-context.ts';
import { runToEnd, startUntilSaid } from '../../bench/running/start-program.ts';

const signal = new AbortController().signal;

test('the output of a program is returned, and a failure carries what the program said', async () => {
  expect(await runToEnd({ signal }, process.execPath, ['-e', 'console.log(7)'])).toBe('7\n');
  const failing = runToEnd({ signal }, process.execPath, ['-e', "console.error('no disk'); process.exit(3)"]);
  await expect(failing).rejects.toThrow(/ended with 3: no disk/);
});

test('a program that is not installed is absent, with its name', async () => {
  const missing = runToEnd({ signal }, 'a-program-that-nobody-has', []);
  await expect(missing).rejects.toThrow(Absent);
  await expect(missing).rejects.toThrow('a-program-that-nobody-has is not installed');
});

test('a program that ends before it says what is awaited fails with what it said', async () => {
  const bench = { signal, onEnd: () => {} };
  const started = startUntilSaid(bench, process.execPath, ['-e', "console.log('half')"], {}, /whole/);
  await expect(started).rejects.toThrow(/ended with 0: half/);
});

test('a program is stopped at the end of its measure', async () => {
  const ends: (() => Promise<void>)[] = [];
  const bench = { signal, onEnd: (end: () => Promise<void>) => void ends.push(end) };
  const script = "console.log('up at 5'); setInterval(() => {}, 1000)";
  const { child, match } = await startUntilSaid(bench, process.execPath, ['-e', script], {}, /up at (\d)/);
  expect(match[1]).toBe('5');
  for (const end of ends) await end();
  expect(child.signalCode).toBe('SIGTERM');
});
