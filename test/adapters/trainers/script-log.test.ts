import { describe, expect, test } from 'vitest';
import { ScriptLog, lineLengthAtMost, linesAtMost, parseProgress } from '../../../adapters/sandbox/script-log.ts';

function logged(...chunks: (string | Buffer)[]): string[] {
  const lines: string[] = [];
  const log = new ScriptLog(({ line }) => lines.push(line));
  for (const chunk of chunks) log.write('stdout', Buffer.from(chunk));
  log.end();
  return lines;
}

describe('the output of a script', () => {
  test('is split into lines however the pipe splits it, even within a character', () => {
    const bytes = Buffer.from('grüße\nzwei\r\ndrei');
    for (let at = 0; at <= bytes.length; at += 1)
      expect(logged(bytes.subarray(0, at), bytes.subarray(at))).toEqual(['grüße', 'zwei', 'drei']);
  });

  test('keeps empty lines', () => expect(logged('a\n\nb\n')).toEqual(['a', '', 'b']));

  test('has one line for a progress bar that redraws itself', () => {
    for (const chunks of [
      ['10 %\r', '50 %\r100 %', '\nnext\n'],
      ['10 %\r', '100 %\nnext\n'],
      ['10 %\r100 %\r', '\n', 'next\n'],
    ])
      expect(logged(...chunks)).toEqual(['100 %', 'next']);
  });

  test('contains no NUL, which Postgres cannot store', () => expect(logged('a\0b\n')).toEqual(['a\uFFFDb']));

  test('is cut at the maximum line length, and the following line is complete', () => {
    const [long, next] = logged('x'.repeat(lineLengthAtMost), 'y'.repeat(100_000), '\nnext\n');
    expect(long).toBe(`${'x'.repeat(lineLengthAtMost)} … (cut after ${lineLengthAtMost} characters)`);
    expect(next).toBe('next');
  });

  test('ends after a maximum number of lines and says so, and its last lines are still known', () => {
    const lines: string[] = [];
    const log = new ScriptLog(({ stream, line }) => lines.push(`${stream}: ${line}`));
    log.write('stdout', Buffer.from('x\n'.repeat(linesAtMost + 5)));
    log.write('stderr', Buffer.from('the last\n'));
    expect(lines).toHaveLength(linesAtMost + 1);
    expect(lines.at(-1)).toMatch(/^system: the output has more than/);
    expect(log.lastLines.at(-1)).toBe('the last');
    expect(log.lastLines).toHaveLength(20);
  });
});

test('progress is a fraction and a text, and anything else is a log line', () => {
  expect(parseProgress('::progress 0.4 fitting the trees')).toEqual({ fraction: 0.4, message: 'fitting the trees' });
  expect(parseProgress('::progress 1')).toEqual({ fraction: 1, message: '' });
  expect(parseProgress('::progress 7 too far')).toEqual({ fraction: 1, message: 'too far' });
  for (const line of ['::progress', '::progress soon', '::progress -1 x', ' ::progress 0.4', '::progress 0.4x'])
    expect(parseProgress(line)).toBeNull();
});
