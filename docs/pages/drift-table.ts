import { readFile } from 'node:fs/promises';
import { driftTestNames, driftTests, hasPValue } from '../../contracts/monitoring/drift-tests.ts';
import { code, generatedNote, markdownTable } from './markdown.ts';

const [begin, end] = [generatedNote('contracts/monitoring/drift-tests.ts'), '<!-- End of the generated table. -->'];

/**
 * Returns the page with a newly generated table of tests. The rest of the page is written by people and stays as it is.
 */
export async function driftPage(path: string): Promise<string> {
  const text = await readFile(path, 'utf8');
  const [before, after] = [text.split(begin, 1)[0] ?? '', text.slice(text.indexOf(end))];
  if (!text.includes(begin) || !text.includes(end))
    throw new Error(`${path} lacks the marks around the generated table`);
  return `${before}${begin}\n\n${driftTable()}\n\n${after}`;
}

function driftTable(): string {
  const rows = driftTestNames.map((name) => {
    const { columns, statistic, effect, exception } = driftTests[name];
    const rule = hasPValue(name)
      ? `a p-value below the threshold, with an effect (${effect ?? ''}) of at least ${code('minEffect')}`
      : 'at or above the threshold and above the critical value';
    return [code(name), columns.join(', '), statistic, [rule, exception].filter(Boolean).join('. ')];
  });
  const missing = 'always, unless chance explains the difference; the platform chooses this test itself';
  return markdownTable(
    ['test', 'columns', 'statistic', 'drift is'],
    [...rows, [code('missing'), 'every feature', '1 if one side has no value at all', missing]],
  );
}
