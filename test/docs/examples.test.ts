import { describe, expect, test } from 'vitest';
import { commandLine } from '../../cli/program.ts';
import { parseConfigurationFile } from '../../contracts/configuration-file.ts';
import { documents } from './documents.ts';

interface Fence {
  readonly path: string;
  readonly language: string;
  readonly text: string;
}

const fences: readonly Fence[] = [...documents()].flatMap(([path, document]) =>
  [...document.matchAll(/^```(\w+)\n(.*?)^```/gms)].map(([, language = '', text = '']) => ({ path, language, text })),
);

const configurations = fences.filter(({ language, text }) => language === 'yaml' && text.startsWith('schemaVersion:'));
const commands = fences
  .filter(({ language }) => language === 'sh')
  .flatMap(({ path, text }) => text.split('\n').map((line) => ({ path, line: line.replace(/\s+#.*$/, '') })))
  .filter(({ line }) => line.startsWith('npx perennial '));

describe('what documents show can be used as it is', () => {
  test('there is something shown', () => {
    expect(configurations.length).toBeGreaterThan(0);
    expect(commands.length).toBeGreaterThan(5);
  });

  test.each(configurations)('the configuration in $path is one', ({ text }) => {
    expect(parseConfigurationFile(text).schemaVersion).toBe(1);
  });

  test.each(commands)('$path: $line', async ({ line }) => {
    let handled = 0;
    const program = commandLine(() => async () => {
      handled += 1;
    });
    await program.parseAsync(line.split(/\s+/).slice(2), { from: 'user' });
    expect(handled).toBe(1);
  });
});
