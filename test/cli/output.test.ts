import { expect, test } from 'vitest';
import { describeEvaluation } from '../../cli/views/evidence-view.ts';
import { Output } from '../../cli/output.ts';
import { exampleApproval } from '../api/evidence-example.ts';

// Terminal commands: move the cursor, set colours, write to the clipboard (OSC 52), and the one-character C1 codes.
const hostile = 'a\u001B[2J\u001B[31mb\u001B]52;c;eA==\u0007\r\u009B1Ac\u202Ed';
const spelt = String.raw`a\x1b[2J\x1b[31mb\x1b]52;c;eA==\x07\r\x9b1Ac\u202ed`;

function terminal({ json = false, isTTY = true, noColour = false } = {}) {
  const said = { stdout: '', stderr: '' };
  const into = (stream: 'stdout' | 'stderr') => {
    const write = (text: string) => (said[stream] += text) !== '';
    return { isTTY, columns: 400, rows: 30, write } as unknown as NodeJS.WriteStream;
  };
  return { said, output: new Output({ json, noColour, dumb: false, stdout: into('stdout'), stderr: into('stderr') }) };
}

test.each([true, false])(
  'text from outside cannot control the terminal, however it is printed; no colours: %s',
  (noColour) => {
    const { said, output } = terminal({ noColour });
    output.data(null, () => hostile);
    output.line(null, hostile);
    output.note(hostile);
    output.progress(hostile);
    output.draw([{ text: hostile }]);
    output.data(null, () => output.table([''], [[hostile]]));
    expect(said.stdout.split('\n').filter((line) => line.includes(spelt))).toHaveLength(4);
    expect(said.stderr).toBe(`${spelt}\n${spelt}\r\u001B[2K`);
    // The only control sequences are those that print the table's title in bold.
    expect(said.stdout.replaceAll('\u001B[1m', '').replaceAll('\u001B[22m', '')).not.toMatch(/[^\P{Cc}\n]/u);
  },
);

test('a value with line breaks stays in its table row, and a text of many lines keeps them', () => {
  const { said, output } = terminal({ isTTY: false });
  expect(output.table(['a', 'b'], [['1\n2\t3', 'x']]).split('\n')).toEqual(['a        b', String.raw`1\n2\t3  x`]);
  output.line(null, 'first\r\nsecond\tthird');
  expect(said.stdout).toBe('first\nsecond\tthird\n');
});

test("the command line's own colours are kept on a terminal with colours", () => {
  const { said, output } = terminal();
  output.data(null, () => output.table(['gate', 'n'], [[output.dataColours.red('fail'), 7]]));
  output.draw([{ text: 'running', paint: (text) => output.dataColours.cyan(text) }]);
  expect(said.stdout).toBe(
    '\u001B[1mgate\u001B[22m  \u001B[1mn\u001B[22m\n\u001B[31mfail\u001B[39m  7\n\u001B[36mrunning\u001B[39m\n',
  );
});

test('JSON output has the same value without control characters', () => {
  const { said, output } = terminal({ json: true });
  output.data({ hostile }, () => '');
  expect(JSON.parse(said.stdout)).toEqual({ hostile });
  expect(said.stdout.trimEnd()).not.toMatch(/[\p{Cc}\u202E]/u);
});

test('a long reason is shortened only on a terminal, and is complete in a pipe and in JSON', () => {
  const reason = `${'x'.repeat(300)}\nthe last line`;
  const shown = terminal().output.brief(reason);
  expect(shown).toHaveLength(200);
  expect(shown.endsWith('…')).toBe(true);
  expect(terminal({ isTTY: false }).output.brief(reason)).toBe(`${'x'.repeat(300)}${String.raw`\n`}the last line`);
  const { evaluation } = exampleApproval.evidence;
  const gates = evaluation.gates.map((gate) => ({ ...gate, reason }));
  const { output } = terminal({ noColour: true });
  const told = describeEvaluation(output, { ...evaluation, gates, reasons: [reason] }, output.dataColours);
  expect(told).not.toContain('the last line');
  expect(told.match(/x{199}…/g)).toHaveLength(gates.length + 1);
});
